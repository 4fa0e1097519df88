"""Figures as people read them: one function each for money, quantity, dates, ages and states, in the reader's language."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext, ngettext, npgettext, npgettext_lazy, override

from qudao.kernel import clock

MINUS = "\u2212"
DASH = "\u2014"
SEP = mark_safe('<i class="sep"></i>')
SYMBOLS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "HKD": "HK$"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: units kept as codes, in the reader's words; any other unit is shown as its owner writes it
UNITS = {"PCS": npgettext_lazy("unit", "pc", "pcs")}
TONES = ("wait", "move", "done", "idle", "wrong")


def escaped(value: Any) -> str:
    """A value as HTML, what is HTML already as it is: `conditional_escape` at a third of its time, for the hundreds of cells of a page."""
    return value.__html__() if hasattr(value, "__html__") else html.escape(str(value))


def icon(name: str, css: str = "") -> SafeString:
    """An icon of the built sprite; always beside a word or inside something with a label."""
    return format_html('<svg class="icon {}" aria-hidden="true"><use href="{}#i-{}"/></svg>', css, static("icons.svg"), name)


def chinese() -> bool:
    """Whether the reader's language is Chinese."""
    return (get_language() or "").startswith("zh")


def _number(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, Decimal) else Decimal(str(value))


def amount(value: Any, places: int = 2) -> str:
    """A bare amount for a column whose head names the currency: 189,642.00; a dash when there is none."""
    number = _number(value)
    if number is None:
        return DASH
    text = f"{abs(number):,.{places}f}"
    return MINUS + text if number < 0 and text.strip("0.,") else text


def money(value: Any, currency: str = "CNY", places: int = 2) -> str:
    """An amount with its currency, for headings, totals and sentences: ¥189,642.00, −¥15.00, CHF 12.00."""
    number = _number(value)
    if number is None:
        return DASH
    sign = SYMBOLS.get(currency or "CNY", f"{currency}\u00a0")
    text = amount(abs(number), places)
    return f"{MINUS}{sign}{text}" if number < 0 and text.strip("0.,") else f"{sign}{text}"


def short_money(value: Any, currency: str = "CNY") -> str:
    """A short amount for maps: ¥186 万 / ¥1.86M; small ones in full."""
    number = _number(value)
    if number is None:
        return DASH
    sign = SYMBOLS.get(currency, f"{currency}\u00a0")
    steps = ((Decimal(10) ** 8, " 亿"), (Decimal(10) ** 4, " 万")) if chinese() else ((Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))
    for size, word in steps:
        if abs(number) >= size:
            part = number / size
            return f"{sign}{amount(part, 0 if abs(part) >= 100 else 1)}{word}"
    return f"{sign}{amount(number, 0)}"


def price(value: Any) -> str:
    """A unit price: two decimals, up to six when it has them."""
    number = _number(value)
    if number is None:
        return DASH
    digits = max(2, min(6, -int(number.normalize().as_tuple().exponent)))
    return amount(number, digits)


def unit(code: str, number: Any = 2) -> str:
    """A unit in the reader's words, for so many of it: "PCS" is 件, "箱" stays as its owner writes it."""
    known = UNITS.get(code)
    return known % (1 if abs(number) == 1 else 2) if known else code


unit_word = unit


@cache
def _unit_words(code: str) -> tuple[str, ...]:
    """A unit in every language, the longest first."""
    found = {code}
    for language, _name in settings.LANGUAGES:
        with override(language):
            found |= {unit(code, 1), unit(code)}
    return tuple(sorted(filter(None, found), key=len, reverse=True))


def bare(text: str, code: str) -> str:
    """A typed quantity without its unit, in whichever language it was written: "3 件" and "3 pcs" are 3."""
    plain = text.strip()
    for word in _unit_words(code):
        number = plain[: -len(word)].strip()
        if plain.lower().endswith(word.lower()) and number[-1:].isdigit():
            return number
    return plain


def qty(value: Any, unit: str = "") -> str:
    """A quantity without idle zeros, with its unit: 1,234 台, 0.5 kg."""
    number = _number(value)
    if number is None:
        return DASH
    text = f"{abs(number):,.4f}".rstrip("0").rstrip(".")
    text = MINUS + text if number < 0 and text != "0" else text
    return f"{text} {unit_word(unit, number)}" if unit else text


def percent(value: Any, places: int = 1) -> str:
    """A share (0.5 = 50 %) as a percentage."""
    number = _number(value)
    return DASH if number is None else f"{amount(number * 100, places)}%"


def _date(value: Any) -> date | None:
    if isinstance(value, datetime):
        return localtime(value).date()
    return value if isinstance(value, date) else None


def day(value: Any) -> str:
    """A date in a column: 11-24 / 24 Nov; with the year when it is not this year's."""
    found = _date(value)
    if found is None:
        return DASH
    other = found.year != clock.today().year
    if chinese():
        return f"{found:%Y-%m-%d}" if other else f"{found:%m-%d}"
    return f"{found.day} {MONTHS[found.month - 1]}" + (f" {found.year}" if other else "")


def day_long(value: Any) -> str:
    """A date in a sentence: 11月24日 / 24 Nov."""
    found = _date(value)
    if found is None or not chinese():
        return day(value)
    year = f"{found.year}年" if found.year != clock.today().year else ""
    return f"{year}{found.month}月{found.day}日"


def month(value: Any) -> str:
    """A month: 2026年10月 / Oct 2026."""
    found = _date(value)
    if found is None:
        return DASH
    return f"{found.year}年{found.month}月" if chinese() else f"{MONTHS[found.month - 1]} {found.year}"


def moment(value: Any) -> str:
    """A point in time: 11-24 08:02 / 24 Nov 08:02."""
    return f"{day(value)} {localtime(value):%H:%M}" if isinstance(value, datetime) else day(value)


def moment_short(value: Any) -> str:
    """A point in time, without the date when it is today: 08:02."""
    if isinstance(value, datetime) and localtime(value).date() == localtime(clock.now()).date():
        return f"{localtime(value):%H:%M}"
    return moment(value)


def age(value: Any) -> str:
    """How long ago (a datetime or date) or how long (a timedelta), in two units at most: 1 天 6 时 / 1 d 6 h."""
    if isinstance(value, datetime):
        value = clock.now() - value
    elif isinstance(value, date):
        value = clock.today() - value
    if not isinstance(value, timedelta):
        return DASH
    minutes = max(0, int(value.total_seconds() // 60))
    days, hours = minutes // 1440, minutes % 1440 // 60
    if days >= 3 or (days and not hours):
        return gettext("{days} d").format(days=days)
    if days:
        return gettext("{days} d {hours} h").format(days=days, hours=hours)
    if hours:
        return gettext("{hours} h").format(hours=hours)
    return gettext("{minutes} min").format(minutes=minutes)


def badge(word: Any, tone: str = "idle") -> SafeString:
    """A state: always a word, with a dot in one of five tones (wait, move, done, idle, wrong)."""
    return SafeString(f'<span class="status s-{tone if tone in TONES else "idle"}"><span class="status-dot"></span>{escaped(word)}</span>')


def state(value: Any) -> SafeString:
    """The badge of a value: a (word, tone) pair, an enum member with `label` and `tone`, or an object with a `badge`."""
    found = getattr(value, "badge", value)
    found = found() if callable(found) else found
    if isinstance(found, tuple):
        return badge(*found)
    return badge(getattr(found, "label", found), getattr(found, "tone", "idle"))


def count(number: int, cap: int = 0) -> str:
    """A count; above `cap` only "more than": 9,412 or 5,000+."""
    return f"{cap:,}+" if cap and number > cap else f"{number:,}"


def lines(number: int) -> str:
    """The words for a number of lines of a document."""
    return ngettext("{n} line", "{n} lines", number).format(n=f"{number:,}")


def documents(number: int) -> str:
    """The words for a number of documents."""
    return npgettext("documents", "{n} document", "{n} documents", number).format(n=f"{number:,}")


def spark(points: Sequence[Any], width: int = 80, height: int = 22) -> SafeString:
    """A sparkline as SVG: the shape of a series, without axes."""
    values = [float(p) for p in points]
    if len(values) < 2:
        return SafeString("")
    low, span = min(values), (max(values) - min(values)) or 1.0
    step = width / (len(values) - 1)
    path = [(i * step, height - 2 - (v - low) / span * (height - 4)) for i, v in enumerate(values)]
    drawn = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in path)
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" aria-hidden="true"><path d="{}"/><circle cx="{}" cy="{}" r="2.5"/></svg>',
        width, height, drawn, f"{path[-1][0]:.1f}", f"{path[-1][1]:.1f}",
    )  # fmt: skip


def goal(share: Any, mark: Any = None) -> SafeString:
    """A bar of a share (0..1) with an optional tick at the target's share."""
    part = max(0.0, min(1.0, float(share or 0))) * 100
    tick = "" if mark is None else format_html('<rect class="tick" x="{}%" width="2" height="10"/>', f"{min(99.6, float(mark) * 100):.1f}")
    return format_html(
        '<svg class="q-goal" aria-hidden="true"><rect class="b0" width="100%" height="4" y="3" rx="2"/>'
        '<rect class="bar" width="{}%" height="4" y="3" rx="2"/>{}</svg>',
        f"{part:.1f}", tick,
    )  # fmt: skip
