"""What needs action on a home page: what it is by name, how much, how long, and the one click that helps. The worst first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from qudao.base.html import figures
from qudao.base.html.pages import Button
from qudao.base.html.tables import by_language, join
from qudao.fulfilment.states import DifferenceKind
from qudao.portal.pages.ways import link
from qudao.portal.queries import Dealer, Lack, Overdue, Owing, Stage, Waiting
from qudao.pricing.queries import PriceChange


@dataclass(frozen=True)
class Alert:
    """Something that needs action: what, how much, how long, and the one click that helps."""

    title: Any
    detail: Any
    amount: str
    age: str
    button: Button
    wrong: bool = True
    #: what the title opens, where the button does something else
    url: str = ""


def usable(found: Sequence[Alert | None]) -> list[Alert]:
    """Those that exist and whose remedy this person has; what is wrong stands before what only waits."""
    return sorted((a for a in found if a and a.button.url), key=lambda a: not a.wrong)


def owing(payers: Sequence[Owing], remind: Collection[int] = ()) -> list[Alert | None]:
    """Each late payer by name, with the account behind it; those of `remind` can be reminded with one press."""
    made: list[Alert | None] = []
    for one in payers:
        title = _("{name} is overdue").format(name=one.name)
        detail = ngettext("{n} document, the oldest since {day}", "{n} documents, the oldest since {day}", one.number)
        url, told = link("account", "", one.party_id), detail.format(n=one.number, day=figures.day_long(one.oldest))
        button = Button(_("Open the account"), url)
        if one.party_id in remind:
            button = Button(_("Remind"), link("account_reminder", "", one.party_id), post=True, fields={"back_to": link("home")})
        made.append(Alert(title, told, figures.money(one.total), figures.age(one.oldest), button, url=url))
    return made


def overdue(late: Overdue | None) -> Alert | None:
    """All that is overdue in one line."""
    if not late or not late.number:
        return None
    title = ngettext("{n} receivable is overdue", "{n} receivables are overdue", late.number).format(n=figures.count(late.number))
    detail = _("The oldest since {day}").format(day=figures.day_long(late.oldest))
    return Alert(title, detail, figures.money(late.total), figures.age(late.oldest), Button(_("See who owes"), link("ageing") or link("invoices")))


def short(lacks: Sequence[Lack], ways: Mapping[int, Button]) -> list[Alert | None]:
    """Products that orders in review wait for, with what brings each, as far as the person may."""
    made: list[Alert | None] = []
    for one in lacks:
        title = _("{code} {name}: {qty} missing").format(code=one.code, name=one.name, qty=figures.qty(one.missing, one.unit))
        detail = ngettext("{n} order in review asks for it", "{n} orders in review ask for it", one.orders).format(n=figures.count(one.orders))
        url = link("stock_item", "", one.stock_id) if one.stock_id else link("stock", f"q={one.code}")
        helps = ways.get(one.product_id)
        made.append(Alert(title, detail, "", "", helps or Button(_("See the stock"), url), url=url if helps else ""))
    return made


def waits_for_stock(stage: Stage) -> Alert | None:
    """Orders that an approval alone would not confirm."""
    if not stage.number:
        return None
    title = ngettext("{n} order waits for stock", "{n} orders wait for stock", stage.number).format(n=figures.count(stage.number) + stage.more)
    detail = _("An approval alone would not confirm them")
    return Alert(title, detail, figures.money(stage.total), figures.age(stage.oldest), Button(_("See the stock"), link("stock", "tab=short")))


def approvals(stage: Stage, *, may: bool = True) -> Alert | None:
    """Orders that wait for a signature too long; who may not sign looks at them."""
    if not stage.late:
        return None
    title = ngettext("{n} order waits for approval for more than a day", "{n} orders wait for approval for more than a day", stage.late)
    button = Button(_("Decide"), link("approvals")) if may else Button(_("See them"), link("orders", "side=sell&tab=to_approve"))
    return Alert(title.format(n=figures.count(stage.late)), "", figures.money(stage.total), figures.age(stage.oldest), button, wrong=False)


def past_wish(found: Waiting) -> Alert | None:
    """Orders that should have left by now."""
    if not found.number:
        return None
    title = ngettext("{n} order should have left by its wished date", "{n} orders should have left by their wished date", found.number)
    detail = _("{names} and others").format(names=", ".join(found.names)) if found.number > len(found.names) else ", ".join(found.names)
    button = Button(pgettext("button", "Ship"), link("orders", "side=sell&tab=to_ship&sort=requested_on"))
    return Alert(title.format(n=figures.count(found.number)), detail, figures.money(found.total), figures.age(found.oldest), button)


def not_left(stage: Stage) -> Alert | None:
    """Confirmed orders that stand in the warehouse."""
    if not stage.late:
        return None
    title = ngettext("{n} order has not left for two days", "{n} orders have not left for two days", stage.late).format(n=figures.count(stage.late))
    button = Button(pgettext("button", "Ship"), link("shipments", "side=sell") or link("orders", "side=sell&tab=to_ship"))
    return Alert(title, "", figures.money(stage.total), figures.age(stage.oldest), button, wrong=False)


def money_announced(found: Waiting) -> Alert | None:
    """Payments that buyers announced."""
    if not found.number:
        return None
    title = ngettext("{n} announced payment waits for you", "{n} announced payments wait for you", found.number).format(n=figures.count(found.number))
    button = Button(_("Confirm"), link("payments", "side=sell&tab=announced"))
    return Alert(title, _("Confirm it when the money is there"), figures.money(found.total), figures.age(found.oldest), button, wrong=False)


def differences(kinds: Mapping[str, int], side: str) -> Alert | None:
    """Receipts that did not match what was shipped."""
    number = sum(kinds.values())
    if not number:
        return None
    title = ngettext("{n} difference of a receipt is open", "{n} differences of receipts are open", number).format(n=figures.count(number))
    detail = join(*(f"{DifferenceKind(kind).label} {n}" for kind, n in sorted(kinds.items())))
    return Alert(title, detail, "", "", Button(_("See differences"), link("differences") or link("shipments", f"side={side}")))


def quiet(found: Sequence[Dealer], number: int) -> list[Alert | None]:
    """Dealers who have stopped ordering, by name; the last line leads to all of them when there are more."""
    made: list[Alert | None] = []
    for one in found:
        title = _("{name} has stopped ordering") if one.last else _("{name} has never ordered")
        detail = _("The last order on {day}").format(day=figures.day_long(one.last)) if one.last else ""
        if one is found[-1] and number > len(found):
            more = ngettext("{n} other dealer is quiet, too", "{n} other dealers are quiet, too", number - len(found))
            detail = join(detail, more.format(n=figures.count(number - len(found))))
        button = Button(_("See the dealer"), link("organisation", "", one.party_id))
        made.append(Alert(title.format(name=one.name), detail, "", figures.age(one.last) if one.last else "", button, wrong=False))
    return made


def stopped(names: Sequence[str]) -> Alert | None:
    """Buyers whose credit is stopped: nothing is ordered and nothing leaves."""
    if not names:
        return None
    title = ngettext("{n} dealer gets nothing: the credit is stopped", "{n} dealers get nothing: their credit is stopped", len(names))
    detail = _("{names} and others").format(names=", ".join(names[:2])) if len(names) > 2 else ", ".join(names)
    return Alert(title.format(n=figures.count(len(names))), detail, "", "", Button(_("See the credit"), link("funds", "tab=stop")))


def price_changes(found: Sequence[PriceChange]) -> list[Alert | None]:
    """Prices that are about to change: signed and waiting for their day, or waiting for a signature."""
    made: list[Alert | None] = []
    for one in found:
        title = _("{title}: waits for a signature") if one.waits else _("{title}: counts from {day}")  # type: ignore[attr-defined]
        number: int = one.number_of  # type: ignore[attr-defined]
        detail = ngettext("{n} price of {list}", "{n} prices of {list}", number).format(
            n=figures.count(number), list=by_language(one.list.name, one.list.name_en)
        )
        button = Button(_("See the change"), one.get_absolute_url())
        made.append(Alert(title.format(title=one.title, day=figures.day(one.valid_from)), detail, "", "", button, wrong=False))
    return made


def by_one_hand(number: int) -> Alert | None:
    """Payments in which one person did two duties."""
    if not number:
        return None
    title = ngettext("{n} payment in which one person did two duties", "{n} payments in which one person did two duties", number)
    detail = _("Who announces does not confirm, who records does not send back, who orders does not pay")
    return Alert(title.format(n=figures.count(number)), detail, "", "", Button(_("See them"), link("payments", "hands=one")))
