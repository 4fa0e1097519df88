"""Paper: a document of a module as PDF, set by Typst from a template and ready-made texts, one or hundreds in one pass.

A module's `prints` room says what stands on the paper (`Document`); it reads only what the reader's pages show. Labels, figures and names come
in the reader's language from the same functions as on pages, so that list, detail and print agree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from qudao.base.access import Actor
from qudao.base.barcodes import bars, qr
from qudao.base.html import figures
from qudao.base.html.tables import by_language
from qudao.base.press import Job, Press, apart
from qudao.kernel import clock
from qudao.kernel.errors import NotFound, Refused
from qudao.kernel.money import ZERO, by_rate

PDF = "application/pdf"
PAPER = "/base/prints/paper.typ"
#: papers of one PDF, and up to how many of them this process sets itself
MOST = 500
BESIDE = 50
LANGUAGES = {"zh": "zh-hans", "zh-hans": "zh-hans", "en": "en"}


@dataclass(frozen=True)
class Party:
    """A company on paper: name, its other name, address lines, what else its own letterhead says; `line` is name and address in one."""

    name: str
    second: str = ""
    lines: Sequence[str] = ()
    more: Sequence[str] = ()
    line: str = ""


@dataclass(frozen=True)
class Column:
    """A column of the table; the `wide` one takes the room that is left."""

    label: str
    side: str = "left"
    wide: bool = False


@dataclass(frozen=True)
class Paper:
    """One document on A4. Cells are texts, or (text, small text below), or "[ ]" for a box to tick. `bars` and `qr` are what the codes say."""

    title: str
    number: str
    on: date
    sender: Party
    receiver: Party
    receiver_label: str = ""
    facts: Sequence[tuple[str, str]] = ()
    lead: str = ""
    columns: Sequence[Column] = ()
    rows: Sequence[Sequence[Any]] = ()
    empty: str = ""
    totals: Sequence[tuple[str, str]] = ()
    total: Sequence[str] = ()
    notes: Sequence[str] = ()
    signatures: Sequence[str] = ()
    foot: str = ""
    bars: str = ""
    qr: str = ""
    qr_caption: str = ""

    @property
    def author(self) -> str:
        """Whose document it is, for the PDF's own facts."""
        return self.sender.name

    def drawn(self) -> dict[str, Any]:
        """As the template takes it."""
        given = asdict(self)
        del given["on"]
        given["facts"] = [fact for fact in self.facts if fact[1]]
        return given | {"bars": bars(self.bars) if self.bars else "", "qr": qr(self.qr) if self.qr else ""}


@dataclass(frozen=True)
class Document:
    """A kind of paper. `make(actor, ids)` reads what the actor may see, in a fixed number of statements, and raises for a row he may not print.

    `subject`: the kind of row it is about ("orders.order"), on whose pages it is offered if `fits(actor, row)`; `address`: where these rows live
    ("orders"). `template` draws what `make` returns.
    """

    name: str
    label: Any
    subject: str
    verb: str
    address: str
    make: Callable[..., Sequence[Any]]
    template: str = PAPER
    #: what else the address may say, by name ("since"); `make` takes it as text
    options: Sequence[str] = ()
    fits: Callable[[Actor, Any], bool] = field(default=lambda actor, row: True)
    #: a report of one's own books: its foot says who printed it even when it is one; papers for the partner carry that only when many leave in one run
    report: bool = False

    def marked(self, number: int) -> bool:
        """Whether `number` of them carry a mark. Labels never do: they stick on the goods."""
        return self.template == PAPER and (self.report or number > 1)

    @property
    def slug(self) -> str:
        """The last part of the address: "confirmation" of "orders.confirmation"."""
        return self.name.rpartition(".")[2].replace("_", "-")


# --- words and figures on paper ---


def full_day(value: date | datetime | None) -> str:
    """A date with its year, as paper is read in other years too: 2026年11月24日 / 24 Nov 2026; "" for none."""
    if value is None:
        return ""
    day = clock.date_of(value) if isinstance(value, datetime) else value
    return f"{day.year}年{day.month}月{day.day}日" if figures.chinese() else f"{day.day} {figures.MONTHS[day.month - 1]} {day.year}"


def business_day(moment: datetime) -> date:
    """The day of a moment in the zone of the business."""
    return clock.date_of(moment)


def in_order(ids: Sequence[int], found: Iterable[Any]) -> list[Any]:
    """The rows in the order asked for. NotFound when one is missing: hidden and absent look the same."""
    by_id = {row.pk: row for row in found}
    if any(one not in by_id for one in ids):
        raise NotFound("base.not_found")
    return [by_id[one] for one in ids]


def party(org: Any) -> Party:
    """An organisation as a letterhead or an address shows it, in the active language; the name in the other language stands below."""
    name = by_language(org.name, org.name_en)
    second = next((other for other in (org.name_en, org.name) if other and other != name), "")
    tax_no = _("Tax number {number}").format(number=org.tax_no) if org.tax_no else ""
    lines, more = [one for one in (org.address, org.phone) if one], [one for one in (org.email, tax_no) if one]
    return Party(name, second, lines, more, " | ".join(one for one in (name, org.address) if one))


def foot(org: Any) -> str:
    """What stands below every page: who sent it and how to reach them."""
    return " | ".join(one for one in (by_language(org.name, org.name_en), org.phone, org.email) if one)


def tax_lines(rows: Sequence[tuple[Decimal | None, Decimal, Decimal]], currency: str) -> list[tuple[str, str]]:
    """(rate, net, tax) of lines summed up as totals of a document: net, and the tax by rate; without a rate a line is exempt."""
    sums = by_rate(rows)
    found = [(_("Net amount"), figures.money(sum((one.net for one in sums), ZERO), currency))]
    for one in sums:
        words = _("Exempt from tax: {amount}") if one.rate is None else _("{rate} tax on {amount}")
        label = words.format(rate=share(one.rate or ZERO), amount=figures.money(one.net, currency))
        found.append((label, figures.money(one.tax, currency)))
    return found


def share(rate: Decimal | None) -> str:
    """A tax rate: 13%, 6.5%; None is exempt."""
    return _("exempt") if rate is None else f"{(rate * 100).normalize():f}%"


DIGITS = "零壹贰叁肆伍陆柒捌玖"
UNITS = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿", "万亿")


def capitals(value: Decimal, currency: str) -> str:
    """An amount of yuan in the capitals that a Chinese document carries against forgery: 大写：壹仟零伍元叁角整; "" in English and other currencies."""
    if not figures.chinese() or currency != "CNY" or not ZERO < value < Decimal(10) ** 16:
        return ""
    whole, cents = divmod(int((value * 100).to_integral_value()), 100)
    text = _in_capitals(whole) + "元" if whole else ""
    tenths, hundredths = divmod(cents, 10)
    if not cents:
        return f"大写：{text}整"
    text += f"{DIGITS[tenths]}角" if tenths else "零" if whole else ""
    return f"大写：{text}{DIGITS[hundredths]}分" if hundredths else f"大写：{text}整"


def _in_capitals(number: int) -> str:
    """A whole number above zero, in groups of four digits; a gap of zeros is one 零."""
    text, gap = "", False
    for place in range(len(str(number)) - 1, -1, -1):
        digit = number // 10**place % 10
        if digit:
            text += ("零" if gap and text else "") + DIGITS[digit] + UNITS[place % 4]
        gap = not digit
        if place % 4 == 0 and number // 10**place % 10**4:
            text += GROUPS[place // 4]
    return text


# --- the engine ---


class FontsMissing(Refused):
    """The set-up has not fetched the font yet."""

    status = 503


@cache
def press() -> Press:
    """The one of this process."""
    return Press()


def folders() -> list[Path]:
    """Where the font may be: made by the set-up of a clone, or carried by a wheel."""
    return [Path(settings.ROOT) / "build" / "fonts", Path(settings.PACKAGE) / "base" / "fonts"]


def language_of(asked: str) -> str:
    """The language of a paper: the one asked for ("zh", "en"), else the reader's."""
    return LANGUAGES.get(asked.lower()) or LANGUAGES.get((translation.get_language() or "").lower()) or "zh-hans"


def job(template: str, data: Mapping[str, Any], *, language: str, on: date | None = None, **how: Any) -> Job:
    """The job of setting `data` by a template. `language` is that of the texts in it; `on` the date of the document. Raises FontsMissing."""
    folder = next((f for f in folders() if any(f.glob("*.ttf"))), None)
    if folder is None:
        raise FontsMissing("base.fonts_missing")
    chinese = language.startswith("zh")
    given = {"lang": "zh" if chinese else "en", "region": "CN" if chinese else "GB", "title": "", "author": "", **data}
    at = datetime.combine(on or date(2000, 1, 1), time(), tzinfo=UTC)
    return Job(str(settings.PACKAGE), template, str(folder), json.dumps(given, ensure_ascii=False), int(at.timestamp()), **how)


def pdf(template: str, data: Mapping[str, Any], *, language: str, on: date | None = None) -> bytes:
    """A PDF of a template; the same data gives the same bytes. Raises FontsMissing."""
    return press().set(job(template, data, language=language, on=on))[0]


def pdf_many(document: Document, papers: Sequence[Any], *, language: str, mark: str = "") -> bytes:
    """Papers as one PDF in one pass, in `language`, in which they were made; `mark` stands small at the foot of each page. Above `BESIDE` papers
    without the tags for screen readers, which would take as long again, and in a process of its own, which gives the memory back. Raises FontsMissing.
    """
    with translation.override(language):
        title = str(document.label)
        data = {
            "title": f"{title} {papers[0].number}" if len(papers) == 1 else title,
            "author": papers[0].author if papers else "",
            "page": _("Page {n} of {m}"),
            "mark": mark,
            "papers": [paper.drawn() for paper in papers],
        }
    on = max((paper.on for paper in papers), default=None)
    if len(papers) > BESIDE:
        return apart(job(document.template, data, language=language, on=on, tags=False))
    return pdf(document.template, data, language=language, on=on)


def pdf_of(document: Document, actor: Actor, ids: Sequence[int], *, language: str, mark: str = "", **options: str) -> bytes:
    """The papers of rows as one PDF, in the order of `ids`; a row named twice is printed once. Raises what `document.make` does, and FontsMissing."""
    with translation.override(language):
        papers = document.make(actor, list(dict.fromkeys(ids)), **options)
    return pdf_many(document, papers, language=language, mark=mark)
