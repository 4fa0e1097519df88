"""What needs action on a home page: what it is by name, how much, how long, and the one click that helps. The worst first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from qudao.base.html import figures
from qudao.base.html.pages import Button
from qudao.base.html.tables import join
from qudao.fulfilment.states import DifferenceKind
from qudao.portal.pages.ways import link
from qudao.portal.queries import Lack, Overdue, Owing, Stage, Waiting


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


def approvals(stage: Stage) -> Alert | None:
    """Orders that wait for a signature too long."""
    if not stage.late:
        return None
    title = ngettext("{n} order waits for approval for more than a day", "{n} orders wait for approval for more than a day", stage.late)
    button = Button(_("Decide"), link("approvals") or link("orders", "side=sell&tab=to_approve"))
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
