"""Price changes as documents: drafted with their effect in sight, signed where a flow asks, and put into the list on their day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from qudao.approvals.actions import Asking, signed
from qudao.approvals.queries import proposals_about, unscoped_hands_on
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.html import figures
from qudao.base.lock import Rank, lock_one
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.catalog import queries as products
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.pricing import queries, rules
from qudao.pricing.actions.lists import restore_all, set_all
from qudao.pricing.models import ChangeLine, PriceChange
from qudao.pricing.rules import NewPrice, PriceDraft
from qudao.pricing.states import MOST_LINES, ChangeState


@dataclass(frozen=True)
class ChangeDraft:
    """What a change is about, and on which days its prices count (`valid_to` None = until the next ones)."""

    title: str
    valid_from: date
    valid_to: date | None = None


def change_subject(change: PriceChange) -> Subject:
    """The change as the subject of a log line or a proposal; it belongs to the owner of the list alone."""
    return Subject("pricing.pricechange", change.pk, change.list.owner_id, None, change.number)


def _asks(change_id: int, *, actor: Actor) -> Asking | None:
    """What a flow asks of it: the most by which one price changes, and which way they go."""
    change = get_visible(actor, PriceChange, change_id)
    if change.list.owner_id != actor.org_id:
        return None
    effect = rules.effect_of([(line.was, line.amount) for line in queries.unscoped_change_lines(change)])
    return Asking(change_subject(change), effect.most, change.list.currency, effect.type)


def _card(change_id: int) -> list[tuple[Any, Any]]:
    """What signers read of it."""
    change = PriceChange.unscoped.select_related("list").get(pk=change_id)
    effect = rules.effect_of([(line.was, line.amount) for line in queries.unscoped_change_lines(change)])
    told: list[tuple[Any, Any]] = [(_("Price list"), change.list.code), (_("What it is about"), change.title), (_("From"), figures.day(change.valid_from))]
    told += [(_("To, included"), figures.day(change.valid_to))] if change.valid_to else []
    return [*told, (_("Prices"), figures.count(effect.number)), *told_effect(effect)]


def told_effect(effect: rules.Effect) -> list[tuple[Any, Any]]:
    """The effect in words and figures, for people."""
    told: list[tuple[Any, Any]] = [(_("New prices"), figures.count(effect.new))] if effect.new else []
    shares = ((_("On average"), effect.average), (_("At least"), effect.least), (_("At most"), effect.largest))
    return told + [(label, f"{'+' if share > 0 else ''}{figures.percent(share)}") for label, share in shares if share is not None]


@action("pricing.edit")
def draft_change(list_id: int, draft: ChangeDraft, prices: Sequence[NewPrice] = (), *, actor: Actor) -> PriceChange:
    """Keep prices of a list as the draft of a change; nothing follows from it. Raises Invalid at the field."""
    price_list = queries.price_list(actor, list_id, "pricing.edit")
    raise_if_any(_head_faults(draft), Invalid)
    change = PriceChange.unscoped.create(
        list=price_list, title=" ".join(draft.title.split()), valid_from=draft.valid_from, valid_to=draft.valid_to,
        created_at=clock.now(), created_by=actor.user_id, created_name=actor.name,
    )  # fmt: skip
    _put(change, prices)
    record(change_subject(change), after=change.state, detail={"prices": len(prices)})
    return change


@action("pricing.edit")
def edit_change(change_id: int, draft: ChangeDraft, *, actor: Actor) -> PriceChange:
    """Say what a draft is about and when it counts. Locks it. Refused while it waits for a signature: take that back first."""
    change = _lock(change_id, actor)
    raise_if_any(_head_faults(draft), Invalid)
    told = {"title": " ".join(draft.title.split()), "valid_from": draft.valid_from, "valid_to": draft.valid_to}
    changed = {name: [str(getattr(change, name)), str(value)] for name, value in told.items() if getattr(change, name) != value}
    if changed:
        for name in changed:
            setattr(change, name, told[name])
        change.save(update_fields=list(changed))
        record(change_subject(change), detail=changed)
    return change


@action("pricing.edit")
def put_prices(change_id: int, prices: Sequence[NewPrice], *, actor: Actor) -> PriceChange:
    """Put prices into a draft; one of the same product and break takes the place of the other. Locks it. Raises Invalid at "rows.<n>.<field>"."""
    change = _lock(change_id, actor)
    _put(change, prices)
    record(change_subject(change), detail={"prices": len(prices)})
    return change


@action("pricing.edit")
def remove_lines(change_id: int, line_ids: Sequence[int], *, actor: Actor) -> PriceChange:
    """Take prices out of a draft. Locks it; what is gone already is left alone."""
    change = _lock(change_id, actor)
    gone, _rows = ChangeLine.unscoped.filter(change=change, pk__in=list(line_ids)).delete()
    if gone:
        record(change_subject(change), detail={"removed": gone})
    return change


@action("pricing.edit")
def move_prices(change_id: int, percent: Decimal, places: int = 2, search: str = "", *, actor: Actor) -> PriceChange:
    """Put all prices of the list in force on the first day into a draft, changed by some per cent and rounded; `search` keeps some of the products.
    Locks it. Raises Invalid, Refused when nothing fits.
    """
    change = _lock(change_id, actor)
    if not percent.is_finite() or percent == 0 or not Decimal(-99) <= percent <= Decimal(1000):
        raise Invalid("pricing.change_percent", field="percent")
    found = queries.prices(actor, change.list_id, on=change.valid_from, search=search).values_list("product_id", "amount", "min_qty")[: MOST_LINES + 1]
    prices = [NewPrice(product_id, rules.moved(amount, percent, places), min_qty) for product_id, amount, min_qty in found]
    if not prices:
        raise Refused("pricing.change_nothing", field="search")
    _put(change, prices)
    record(change_subject(change), detail={"prices": len(prices), "percent": str(percent)})
    return change


@signed("pricing.change", _asks, _card)
@action("pricing.edit")
def release_change(change_id: int, *, actor: Actor) -> PriceChange:
    """Put the prices of a draft into its list, from its first day on (or from today, when signing took longer). Open orders keep the price they have.

    Locks the change, then the list; emits PricesChanged. Raises Refused when it is empty or over, or another price begins within its days.
    """
    change = _lock(change_id, actor, waits=True)
    lines = queries.unscoped_change_lines(change)
    if not lines:
        raise Refused("pricing.change_empty")
    first = max(change.valid_from, clock.today())
    if change.valid_to is not None and change.valid_to < first:
        raise Refused("pricing.change_past", field="valid_from")
    change.valid_from, change.state, change.closed_at = first, ChangeState.RELEASED, clock.now()
    for line in lines:
        line.before = line.was
    drafts = [PriceDraft(line.product_id, line.amount, first, change.valid_to, line.min_qty) for line in lines]
    for line, spans in zip(lines, set_all(change.list_id, drafts, actor), strict=True):
        line.spans = [rules.spans_told(one) for one in spans]
    ChangeLine.unscoped.bulk_update(lines, ["before", "spans"], batch_size=1000)
    change.save(update_fields=["valid_from", "state", "closed_at"])
    record(change_subject(change), before=ChangeState.DRAFT, after=change.state, since=change.created_at)
    return change


@action("pricing.edit")
def drop_change(change_id: int, *, actor: Actor) -> PriceChange:
    """Give a draft up; it stays to be read. Locks it."""
    change = _lock(change_id, actor)
    change.state, change.closed_at = ChangeState.DROPPED, clock.now()
    change.save(update_fields=["state", "closed_at"])
    record(change_subject(change), before=ChangeState.DRAFT, after=change.state, since=change.created_at)
    return change


@action("pricing.edit")
def recall_change(change_id: int, reason: str, *, actor: Actor) -> PriceChange:
    """Take a released change back as a whole before its day: what stood before stands again, to the day. No signature, because nothing has counted yet.

    Locks the change, then the list; emits PricesChanged; who drafted, asked for and signed it is told. Raises Invalid without a reason, Refused when its day
    has come, or when a price was changed after it.
    """
    if not reason.strip():
        raise Invalid("pricing.reason_missing", field="reason")
    change = _lock_released(change_id, actor)
    if change.valid_from <= clock.today():
        raise Refused("pricing.change_begun", number=change.number)
    lines: list[Any] = queries.unscoped_change_lines(change)
    if any(line.spans is None for line in lines):
        raise Refused("pricing.change_old", number=change.number)
    back = [rules.Restored(line.product_id, line.min_qty, *(rules.spans_read(one) for one in reversed(line.spans))) for line in lines]
    if other := restore_all(change.list_id, change.valid_from - rules.DAY, back, actor):
        ids = {one.product_id for one in other}
        codes = sorted({line.product.code for line in lines if line.product_id in ids})
        raise Refused("pricing.change_built_on", number=change.number, products=", ".join(codes[:5]) + ("…" if len(codes) > 5 else ""))
    since, change.state, change.closed_at = change.closed_at, ChangeState.RECALLED, clock.now()
    change.save(update_fields=["state", "closed_at"])
    subject = change_subject(change)
    record(subject, before=ChangeState.RELEASED, after=change.state, reason=reason.strip(), since=since)
    told = sorted(one for one in {change.created_by, *unscoped_hands_on(change)} if one is not None)
    notify("pricing.change_recalled", subject, user_ids=told, except_user=actor.user_id, who=actor.name, title=change.title, reason=reason.strip())
    return change


@action("pricing.edit")
def oppose_change(change_id: int, *, actor: Actor) -> PriceChange:
    """Draft the opposite of a change whose day has come: the prices it took the place of, from today on. A price that took the place of none is left out.

    Raises Refused for one that is not released, or that took the place of no price.
    """
    change = _lock_released(change_id, actor)
    old = [NewPrice(line.product_id, line.before, line.min_qty) for line in queries.unscoped_change_lines(change) if line.before is not None]
    if not old:
        raise Refused("pricing.change_all_new", number=change.number)
    made = PriceChange.unscoped.create(
        list=change.list, title=_("Opposite of {number}").format(number=change.number), valid_from=clock.today(),
        valid_to=change.valid_to if change.valid_to and change.valid_to >= clock.today() else None,
        created_at=clock.now(), created_by=actor.user_id, created_name=actor.name,
    )  # fmt: skip
    _put(made, old)
    record(change_subject(made), after=made.state, detail={"prices": len(old), "opposite_of": change.number})
    return made


def _lock_released(change_id: int, actor: Actor) -> PriceChange:
    get_visible(actor, PriceChange, change_id, "pricing.edit")
    change = lock_one(PriceChange, change_id, rank=Rank.NETWORK)
    if change.state != ChangeState.RELEASED:
        raise Refused("pricing.change_not_released", number=change.number)
    return change


def _lock(change_id: int, actor: Actor, *, waits: bool = False) -> PriceChange:
    """A draft of a list the actor keeps, locked; while it waits for a signature only its release goes on."""
    get_visible(actor, PriceChange, change_id)
    change = lock_one(PriceChange, change_id, rank=Rank.NETWORK)
    if change.state != ChangeState.DRAFT:
        raise Refused("pricing.change_over", number=change.number)
    if not waits and proposals_about(actor, change):
        raise Refused("pricing.change_waits", number=change.number)
    return change


def _head_faults(draft: ChangeDraft) -> list[Fault]:
    faults = [] if draft.title.strip() else [Fault("pricing.change_title_missing", "title")]
    if draft.valid_from < clock.today():
        faults.append(Fault("pricing.change_past", "valid_from"))
    if draft.valid_to is not None and draft.valid_to < draft.valid_from:
        faults.append(Fault("pricing.span_wrong", "valid_to"))
    return faults


def _put(change: PriceChange, prices: Sequence[NewPrice]) -> None:
    """Three statements for any number of prices."""
    if not prices:
        return
    carried = products.unscoped_carried(change.list.owner_id, {one.product_id for one in prices})
    faults, seen = [], set()
    for n, one in enumerate(prices):
        faults += rules.price_faults(PriceDraft(one.product_id, one.amount, change.valid_from, None, one.min_qty), f"rows.{n}.")
        if one.product_id not in carried:
            faults.append(Fault("pricing.product_unknown", f"rows.{n}.product_id"))
        if (one.product_id, one.min_qty) in seen:
            faults.append(Fault("pricing.twice", f"rows.{n}.min_qty"))
        seen.add((one.product_id, one.min_qty))
    raise_if_any(faults, Invalid)
    made = [ChangeLine(change=change, product_id=one.product_id, min_qty=one.min_qty, amount=one.amount) for one in prices]
    ChangeLine.unscoped.bulk_create(made, update_conflicts=True, unique_fields=["change", "product", "min_qty"], update_fields=["amount"])
    if ChangeLine.unscoped.filter(change=change).count() > MOST_LINES:
        raise Refused("pricing.change_long", most=MOST_LINES)
