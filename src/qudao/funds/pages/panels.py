"""What stands on the page of a credit account: its state and why, what uses it, what is open, its terms and history."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _

from qudao.base.access import Actor, Scope, all_verbs
from qudao.base.audit import timeline
from qudao.base.html import figures
from qudao.base.html.meters import Meter
from qudao.base.html.pages import Panel
from qudao.base.html.tables import by_language
from qudao.base.subject import Subject
from qudao.funds import queries
from qudao.funds.models import Account
from qudao.funds.rules import NO_LIMIT
from qudao.funds.states import MEANS, PREPAID, REMEDIES, SENTENCES, TONES, Bucket, DepositKind, State
from qudao.funds.tables import name_of
from qudao.kernel import clock
from qudao.kernel.errors import Fault
from qudao.kernel.money import ZERO, round_to
from qudao.ledger.queries import PartyAccount, ageing_of, open_items
from qudao.ledger.states import Bucket as Age
from qudao.ledger.states import Side

NEWEST = 20


def meter_of(card: queries.CreditCard, this: Decimal = ZERO, reader: int = 0) -> Meter:
    """The meter of an account with the order that is being decided; what is overdue stands apart from what is invoiced.

    Of a prepaid account: how much of the balance is frozen. `reader`: the organisation that reads it; the buyer owes what the seller is to receive.
    """
    p, bought = card.position, reader == card.buyer_id
    notes = notes_of(card)
    if p.prepaid:
        held: dict[str, Any] = {"invoiced": p.invoiced, "shipped": p.shipped, "ordered": p.ordered}
        return Meter(limit=p.unapplied, this=this, currency=card.currency, prepaid=True, bought=bought, notes=notes, **held)
    of = p.shared or p
    overdue, unlimited = min(p.overdue, p.invoiced), of.limit >= NO_LIMIT
    return Meter(
        limit=max(p.counted, ZERO) + this if unlimited else of.limit,
        unlimited=unlimited,
        temp_limit=card.limit - of.limit if not unlimited else ZERO,
        temp_until=of.temp_until,
        others=p.counted - p.exposure,
        overdue=overdue,
        invoiced=p.invoiced - overdue,
        shipped=p.shipped,
        ordered=p.ordered,
        unapplied=p.unapplied,
        this=this,
        currency=card.currency,
        bought=bought,
        notes=notes,
    )


def notes_of(card: queries.CreditCard) -> list[tuple[str, str, str]]:
    """What the state of an account means and why, wherever its meter stands: (tone, meaning, reasons); nothing of a good one."""
    standing = card.standing
    why = " ".join(said_of(fault, card.currency) for fault in standing.reasons)
    return [] if standing.state == State.OK else [(TONES[standing.state], str(MEANS[standing.state]), why)]


def said_of(fault: Fault, currency: str) -> str:
    """A reason in words, its amounts with their currency."""
    figured = {name: figures.money(value, currency) if isinstance(value, Decimal) else value for name, value in fault.params.items()}
    return str(SENTENCES[fault.code]).format(**figured)


def title_of(card: queries.CreditCard) -> str:
    """What the account is called where its meter stands."""
    if card.position.shared:
        return _("Shared credit")
    return _("Prepaid balance") if card.position.prepaid else _("Credit")


def credit_panel(request: HttpRequest, account: Account) -> Panel | None:
    """Limit or balance, what uses it, what is free."""
    card, reader = queries.unscoped_card_of(account.pk), request.actor.org_id  # type: ignore[attr-defined]
    return Panel(title_of(card), "parts/panel_credit.html", {"meter": replace(meter_of(card, reader=reader), notes=())}) if card else None


def state_panel(request: HttpRequest, account: Account) -> Panel | None:
    """The state as of now, what it means, every reason with what clears it, and what a person wants."""
    card = queries.unscoped_card_of(account.pk)
    if card is None:
        return None
    standing = card.standing
    found = [(said_of(fault, card.currency), REMEDIES.get(fault.code, "")) for fault in standing.reasons]
    hand = ""
    if card.position.by_hand:
        until = _("until {day}").format(day=figures.day(account.by_hand_until)) if account.by_hand_until else _("until somebody ends it")
        hand = f"{account.by_hand_reason} ({until})"
    context = {"badge": figures.badge(standing.state.label, TONES[standing.state]), "means": MEANS[standing.state], "reasons": found, "hand": hand}
    return Panel(_("State"), "funds/state.html", context)


def lines_panel(request: HttpRequest, account: Account) -> Panel | None:
    """What product lines may use of the limit, what uses it, what is free."""
    card = queries.unscoped_card_of(account.pk) if account.lined else None
    return Panel(_("Limits of product lines"), "funds/lines.html", {"lines": queries.unscoped_lines(card)}) if card else None


def whatif_panel(request: HttpRequest, account: Account) -> Panel | None:
    """Whether an order of an amount, of a product line, would pass now."""
    if account.prepaid and not account.lined:
        return None
    amount, line = request.GET.get("amount", "").replace(",", ""), request.GET.get("line", "")
    limits = list(queries.sublimits(request.actor, account.pk)) if account.lined else []  # type: ignore[attr-defined]
    choices = [(str(one.category_id), f"{one.category.code} {by_language(one.category.name, one.category.name_en)}") for one in limits]
    context: dict[str, Any] = {"amount": amount, "choices": choices, "chosen": line, "asked": False}
    card = queries.unscoped_card_of(account.pk) if amount else None
    if card:
        try:
            faults = queries.unscoped_try(card, round_to(Decimal(amount)), int(line) if line in dict(choices) else None)
        except (ArithmeticError, ValueError):
            faults = [Fault("funds.amount", "", {"amount": amount})]
        context |= {"asked": True, "wrong": [said_of(fault, card.currency) for fault in faults]}
    return Panel(_("What if"), "funds/whatif.html", context)


def deposit_panel(request: HttpRequest, account: Account) -> Panel | None:
    """What is asked for and held, and what happened to it; nothing where there never was one."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    entries = list(queries.deposit_entries(actor, account.pk)[:NEWEST])
    if not entries and not account.deposit_required:
        return None
    facts = [_("{amount} asked for").format(amount=figures.money(account.deposit_required, account.currency))]
    facts += [_("orders pass only when it is paid")] if account.deposit_first else []
    items = [{"label": _("Held"), "facts": facts, "end": figures.money(account.deposit_held, account.currency)}]
    for entry in entries:
        told = [figures.day(entry.day), entry.number, entry.reference, entry.who]
        end = figures.amount(entry.amount if entry.kind == DepositKind.PAID_IN else -entry.amount)
        items.append({"label": entry.get_kind_display(), "facts": [fact for fact in told if fact], "end": end})
    return Panel(_("Deposit"), "parts/panel_items.html", {"items": items})


def changes_panel(request: HttpRequest, account: Account) -> Panel:
    """The states the account went through, with the reasons of their time."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    entries = []
    for change in queries.changes_of(actor, account.pk)[:NEWEST]:
        why = " ".join(said_of(Fault(code, "", _figured(params)), account.currency) for code, params in change.reasons)
        what = f"{State(change.before).label} → {State(change.after).label}"
        entries.append({"who": change.who or _("System"), "at": change.at, "what": what, "reason": f"{change.note} {why}".strip()})
    return Panel(_("States so far"), "parts/panel_timeline.html", {"entries": entries}, aside=True)


def _figured(params: dict[str, Any]) -> dict[str, Any]:
    """Amounts come back from their row as texts."""
    return {name: Decimal(value) if isinstance(value, str) else value for name, value in params.items()}


def entries_panel(request: HttpRequest, account: Account) -> Panel:
    """The newest changes."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    items = []
    for entry in queries.entries_of(actor, account.pk)[:NEWEST]:
        facts = [entry.get_kind_display(), figures.moment(entry.at), *([entry.note] if entry.note else [])]
        word = PREPAID[Bucket(entry.bucket)] if account.prepaid else Bucket(entry.bucket).label
        label = f"{word} {entry.number}".strip()
        items.append({"label": label, "facts": facts, "end": figures.amount(entry.amount)})
    empty = _("Nothing has been paid in or frozen yet.") if account.prepaid else _("Nothing has used this credit yet.")
    return Panel(_("What changed it"), "parts/panel_items.html", {"items": items, "empty": empty})


def books_of(actor: Actor, account: Account) -> PartyAccount | None:
    """The account in the books that the actor may read about this credit; None without the right to books."""
    if not actor.can("ledger.view"):
        return None
    if actor.org_id == account.buyer_id and actor.org_id != account.seller_id:
        return PartyAccount(account.buyer_id, account.seller_id, Side.PAYABLE, account.currency)
    if actor.org_id == account.seller_id or actor.scope == Scope.ALL:
        return PartyAccount(account.seller_id, account.buyer_id, Side.RECEIVABLE, account.currency)
    return None


def due_panel(request: HttpRequest, account: Account) -> Panel | None:
    """What is open by days past due, from the reader's own side of the books."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    books = books_of(actor, account)
    if books is None:
        return None
    row = ageing_of(actor, books, clock.today())
    facts: list[tuple[Any, Any]] = [(bucket.label, figures.amount(row.buckets[bucket])) for bucket in Age if row.buckets[bucket]] if row else []
    if row:
        facts += [(_("Total"), figures.amount(row.total)), (_("Not applied"), figures.amount(row.unapplied) if row.unapplied else "")]
    return Panel(_("Due"), "parts/panel_facts.html", {"facts": facts or [(_("Open"), _("Everything is paid."))]}, aside=True)


def items_panel(request: HttpRequest, account: Account) -> Panel | None:
    """Open documents, oldest due date first."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    books = books_of(actor, account)
    if books is None:
        return None
    found = open_items(actor, books.org_id, side=books.side, counterparty_id=books.counterparty_id).filter(currency=books.currency)[:NEWEST]
    today = clock.today()
    items = [
        {
            "label": item.number,
            "state": (_("Overdue"), "wrong") if item.due_on < today else None,
            "facts": [_("due {day}").format(day=figures.day(item.due_on))],
            "end": figures.amount(item.open_amount),
        }
        for item in found
    ]
    return Panel(_("Open documents"), "parts/panel_items.html", {"items": items, "empty": _("Everything is paid.")})


def terms_panel(request: HttpRequest, account: Account) -> Panel:
    """What finance has set."""
    under = queries.unscoped_agreements([account.pk]).get(account.pk, [])
    facts: list[tuple[Any, Any]] = [
        (_("Agreements"), ", ".join(one.code for one in under[:NEWEST])),
        (_("Seller"), name_of(account.seller)),
        (_("Buyer"), name_of(account.buyer)),
        (_("Days of grace"), str(account.grace_days)),
        (_("Overdue tolerated"), figures.money(account.tolerance, account.currency) if 0 < account.tolerance < NO_LIMIT else ""),
        (_("Stop after days overdue"), str(account.stop_days) if account.stop_days is not None else ""),
        (_("Watch from % of the limit"), str(account.watch_percent or "")),
    ]
    if account.shared:
        shown = queries.shared_limits(request.actor).filter(pk=account.shared_id).exists()  # type: ignore[attr-defined]
        name = name_of(account.shared.head)
        facts.insert(1, (_("Shared limit"), format_html('<a href="{}">{}</a>', account.shared.get_absolute_url(), name) if shown else name))
    return Panel(_("Terms"), "parts/panel_facts.html", {"facts": facts}, aside=True)


def timeline_panel(request: HttpRequest, account: Account) -> Panel | None:
    """Who set what, for the seller's people."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.org_id != account.seller_id:
        return None
    verbs = all_verbs()
    subject = Subject("funds.account", account.pk)
    entries = [
        {
            "who": line.actor_name or _("System"),
            "at": line.at,
            "what": f"{verbs.get(line.verb, line.verb)} {_word(line.before, account.currency)} → {_word(line.after, account.currency)}"
            if line.after
            else verbs.get(line.verb, line.verb),
            "reason": line.reason,
        }
        for line in timeline(subject).reverse()[:NEWEST]
    ]
    return Panel(_("What happened"), "parts/panel_timeline.html", {"entries": entries}, aside=True)


def _word(text: str, currency: str) -> str:
    """What the log says of a state, in words, or of an amount, as every amount is written."""
    if text in State.values:
        return str(State(text).label)
    return figures.money(Decimal(text), currency) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text.replace("open", "—")
