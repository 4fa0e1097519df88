"""Price lists, their prices, the agreements that use them, and special prices. A list is locked before its prices change; grants only insert."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal

from qudao.agreements import queries as agreements
from qudao.agreements.states import AgreementState
from qudao.approvals.queries import Case, unscoped_rules_for
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit, record
from qudao.base.db import run
from qudao.base.lock import Rank, lock_one
from qudao.base.subject import Subject
from qudao.catalog import queries as products
from qudao.kernel import clock
from qudao.kernel.errors import Conflict, Fault, Invalid, Refused, raise_if_any
from qudao.pricing import queries, rules
from qudao.pricing.events import PricesChanged, SpecialPricesGranted
from qudao.pricing.models import ListAssignment, Price, PriceList, SpecialPrice
from qudao.pricing.rules import Plan, PriceDraft, Restored, Spans, SpecialDraft


@dataclass(frozen=True)
class ListDraft:
    """A price list as its owner describes it; currency and tax stay as they are once it exists."""

    code: str
    name: str
    name_en: str = ""
    currency: str = "CNY"
    tax_inclusive: bool = True
    is_base: bool = False
    mixes: bool = False


def subject_of(price_list: PriceList) -> Subject:
    """The list as the subject of a log line or an event; it belongs to its owner alone."""
    return Subject("pricing.list", price_list.pk, price_list.owner_id, None, price_list.code)


@action("pricing.edit")
def create_list(owner_id: int, draft: ListDraft, *, actor: Actor) -> PriceList:
    """Make an empty price list. Raises Invalid at the field, Refused when the currency already has a base list."""
    products.require_acting(actor, owner_id, "pricing.edit")
    draft = _clean(draft)
    faults = rules.list_faults(draft.code, draft.name, draft.currency)
    if PriceList.unscoped.filter(owner_id=owner_id, code=draft.code).exists():
        faults.append(Fault("pricing.code_taken", "code", {"code": draft.code}))
    raise_if_any(faults, Invalid)
    if draft.is_base:
        _refuse_other_base(owner_id, draft.currency, but=None)
    made = PriceList.unscoped.create(owner_id=owner_id, **asdict(draft))
    record(subject_of(made))
    return made


@action("pricing.edit")
def change_list(list_id: int, draft: ListDraft, *, actor: Actor) -> PriceList:
    """Rename a list, make it the base list, or let its breaks count all its products together; currency and tax do not change. Locks it."""
    price_list = _lock(list_id, actor)
    draft = _clean(draft)
    faults = rules.list_faults(draft.code, draft.name, draft.currency)
    if draft.code != price_list.code and PriceList.unscoped.filter(owner_id=price_list.owner_id, code=draft.code).exists():
        faults.append(Fault("pricing.code_taken", "code", {"code": draft.code}))
    raise_if_any(faults, Invalid)
    if draft.is_base and not price_list.is_base:
        _refuse_other_base(price_list.owner_id, price_list.currency, but=price_list.pk)
    changed = {}
    for name in ("code", "name", "name_en", "is_base", "mixes"):
        if (before := getattr(price_list, name)) != getattr(draft, name):
            changed[name] = [before, getattr(draft, name)]
            setattr(price_list, name, getattr(draft, name))
    if changed:
        price_list.save(update_fields=list(changed))
        record(subject_of(price_list), detail=changed)
    return price_list


@action("pricing.edit")
def set_price(list_id: int, draft: PriceDraft, *, actor: Actor) -> Price:
    """Give a product a price in a list: the one in force ends the day before. Locks the list; emits PricesChanged. Raises Invalid, Refused."""
    _set(list_id, [draft], [""], actor, directly=True)
    return Price.unscoped.get(list_id=list_id, product_id=draft.product_id, min_qty=draft.min_qty, valid_from=draft.valid_from)


@action("pricing.edit")
def set_prices(list_id: int, drafts: Sequence[PriceDraft], *, actor: Actor) -> PriceList:
    """Give many products a price, all or none, in a fixed number of statements. Raises Invalid with every fault at "rows.<n>.<field>"."""
    return _set(list_id, drafts, [f"rows.{n}." for n in range(len(drafts))], actor, directly=True)


def set_all(list_id: int, drafts: Sequence[PriceDraft], actor: Actor) -> list[tuple[Spans, Spans]]:
    """`load_prices` for a change that has its signatures, within its action."""
    return _load(list_id, drafts, actor, directly=False)


def _refuse_unsigned(price_list: PriceList, pairs: Sequence[tuple[Decimal | None, Decimal]], actor: Actor, kind: str = "") -> None:
    """Where a flow asks for a signature of such a change, nobody makes it without one: it is kept as the draft of a change. The system asks nobody.

    One statement for people; `pairs`: what prices are and shall be.
    """
    if actor.membership_id is None or price_list.owner_id != actor.org_id:
        return
    effect = rules.effect_of(pairs)
    if unscoped_rules_for(price_list.owner_id, "pricing.change", Case(effect.most, kind or effect.type)):
        raise Refused("pricing.needs_change")


def _set(list_id: int, drafts: Sequence[PriceDraft], at: Sequence[str], actor: Actor, *, directly: bool = False) -> PriceList:
    price_list = _lock(list_id, actor)
    if not drafts:
        return price_list
    pairs = [(draft.product_id, draft.min_qty) for draft in drafts]
    carried = products.unscoped_carried(price_list.owner_id, {pair[0] for pair in pairs})
    raise_if_any(_faults(drafts, at, carried) + _twice(pairs, at), Invalid)
    since = min(draft.valid_from for draft in drafts)
    standing = queries.unscoped_standing(price_list.pk, pairs, since)
    if directly:
        was = [rules.standing_on(standing.get(pair, ()), draft.valid_from) for pair, draft in zip(pairs, drafts, strict=True)]
        _refuse_unsigned(price_list, [(before, draft.amount) for before, draft in zip(was, drafts, strict=True)], actor)
    plans = [rules.plan_price(standing.get(pair, ()), draft) for pair, draft in zip(pairs, drafts, strict=True)]
    _carry_out(price_list.pk, plans)
    told = [[d.product_id, str(d.min_qty), str(d.amount), str(d.valid_from), str(d.valid_to) if d.valid_to else None] for d in drafts]
    gone = {str(plan.overwrites[0]): str(_amount(standing[pair], plan.overwrites[0])) for pair, plan in zip(pairs, plans, strict=True) if plan.overwrites}
    record(subject_of(price_list), detail={"prices": told, "overwritten": gone} if gone else {"prices": told})
    emit(PricesChanged(price_list.pk, sorted({pair[0] for pair in pairs}), since), subject_of(price_list))
    return price_list


@action("pricing.edit")
def load_prices(list_id: int, drafts: Sequence[PriceDraft], *, actor: Actor) -> list[tuple[Spans, Spans]]:
    """`set_prices`, and for each draft the prices of its product and break before and after, as far as they reach to the eve of all drafts.

    Locks the list. A price that the drafts cut short still reaches to that day.
    """
    return _load(list_id, drafts, actor, directly=True)


def _load(list_id: int, drafts: Sequence[PriceDraft], actor: Actor, *, directly: bool) -> list[tuple[Spans, Spans]]:
    _lock(list_id, actor)
    pairs, since = [(draft.product_id, draft.min_qty) for draft in drafts], rules.eve(drafts)
    before = queries.unscoped_standing(list_id, pairs, since)
    _set(list_id, drafts, [f"rows.{n}." for n in range(len(drafts))], actor, directly=directly)
    after = queries.unscoped_standing(list_id, pairs, since)
    return [(rules.spans(before.get(pair, ())), rules.spans(after.get(pair, ()))) for pair in pairs]


@action("pricing.edit")
def restore_prices(list_id: int, since: date, back: Sequence[Restored], *, actor: Actor) -> PriceList:
    """Put the prices of some products and breaks back as they were, as far as they reach to `since`. Documents keep what they were made with.

    Locks the list; emits PricesChanged; five statements whatever their number. Raises Conflict when a price is not what the caller thinks it is.
    """
    if restore_all(list_id, since, back, actor):
        raise Conflict("base.changed")
    return PriceList.unscoped.get(pk=list_id)


def restore_all(list_id: int, since: date, back: Sequence[Restored], actor: Actor) -> list[Restored]:
    """`restore_prices` within an action. Returns those that are not what the caller thinks they are; then nothing has changed."""
    price_list = _lock(list_id, actor)
    pairs = [(one.product_id, one.min_qty) for one in back]
    standing = queries.unscoped_standing(price_list.pk, pairs, since)
    if other := [one for pair, one in zip(pairs, back, strict=True) if rules.spans(standing.get(pair, ())) != one.now]:
        return other
    plans, gone = [], []
    for pair, one in zip(pairs, back, strict=True):
        starts = {span[1]: span for span in one.before}
        known = {price.valid_from: price.id for price in standing.get(pair, ())}
        gone += [pk for start, pk in known.items() if start not in starts]
        for start, (amount, _start, last) in starts.items():
            draft = PriceDraft(one.product_id, amount, start, last, one.min_qty)
            plans.append(Plan(None, (known[start], draft), []) if start in known else Plan(None, None, [draft]))
    run("delete from pricing_price where id = any(%s)", [gone])
    _carry_out(price_list.pk, plans)
    record(subject_of(price_list), detail={"restored": [[one.product_id, str(one.min_qty)] for one in back]})
    emit(PricesChanged(price_list.pk, sorted({pair[0] for pair in pairs}), since), subject_of(price_list))
    return []


def _carry_out(list_id: int, plans: Iterable[Plan]) -> None:
    """Three statements at most, in the order in which no two spans overlap in between: shorten, overwrite, insert."""
    ends = [plan.ends for plan in plans if plan.ends]
    overwrites = [plan.overwrites for plan in plans if plan.overwrites]
    inserts = [draft for plan in plans for draft in plan.inserts]
    if ends:
        run(
            "update pricing_price p set valid_to = e.last from unnest(%s::bigint[], %s::date[]) as e(id, last) where p.id = e.id",
            [[one[0] for one in ends], [one[1] for one in ends]],
        )
    if overwrites:
        run(
            """update pricing_price p set amount = o.amount, valid_to = o.last
                 from unnest(%s::bigint[], %s::numeric[], %s::date[]) as o(id, amount, last) where p.id = o.id""",
            [[one[0] for one in overwrites], [one[1].amount for one in overwrites], [one[1].valid_to for one in overwrites]],
        )
    if inserts:
        Price.unscoped.bulk_create([Price(list_id=list_id, **asdict(draft)) for draft in inserts])


@action("pricing.edit")
def end_price(price_id: int, last_day: date, reason: str = "", *, actor: Actor) -> PriceList:
    """Let a price end with `last_day`; one planned for later disappears (the log keeps it). Locks the list; emits PricesChanged."""
    seen = get_visible(actor, Price, price_id, "pricing.edit")
    price_list = lock_one(PriceList, seen.list_id, rank=Rank.NETWORK)
    # Only under the lock of the list is what we read of its prices still true when we write.
    price = Price.unscoped.filter(pk=price_id).first()
    if price is None:
        raise Refused("pricing.ended")
    _refuse_unsigned(price_list, [(price.amount, price.amount)], actor, "end")
    detail = _end(price, last_day)
    record(subject_of(price_list), reason=reason, detail=detail)
    emit(PricesChanged(price_list.pk, [price.product_id], last_day + rules.DAY), subject_of(price_list))
    return price_list


def _end(price: Price | SpecialPrice, last_day: date) -> dict[str, object]:
    """Shorten or remove a price and tell the log what it was."""
    today = clock.today()
    if price.valid_to is not None and price.valid_to < today:
        raise Refused("pricing.ended")
    if price.valid_to is not None and price.valid_to < last_day:
        raise Refused("pricing.end_too_late", field="last_day", valid_to=price.valid_to)
    if last_day < price.valid_from <= today:
        raise Invalid("pricing.span_wrong", field="last_day")
    detail = {
        "price": price.pk,
        "product": price.product_id,
        "min_qty": str(price.min_qty),
        "amount": str(price.amount),
        "valid_from": str(price.valid_from),
        "valid_to": [str(price.valid_to) if price.valid_to else None, str(last_day)],
    }
    if price.valid_from > last_day:
        price.delete()
    else:
        price.valid_to = last_day
        price.save(update_fields=["valid_to"])
    return detail


@action("pricing.assign")
def assign_list(agreement_id: int, list_id: int, priority: int = 0, *, actor: Actor) -> ListAssignment:
    """Let the buyer of an agreement pay by a list of its seller; assigning it again changes the priority. The larger priority goes first.

    A list in another currency needs an exchange rate: Refused without one.
    """
    agreement = agreements.agreement(actor, agreement_id)
    products.require_acting(actor, agreement.seller_id, "pricing.assign")
    price_list = queries.price_list(actor, list_id)
    if price_list.owner_id != agreement.seller_id:
        raise Refused("pricing.list_foreign", field="list_id", list=price_list.code)
    pair, today = (price_list.currency, agreement.currency), clock.today()
    if pair[0] != pair[1] and queries.unscoped_rate(agreement.seller_id, *pair, today) is None:
        raise Refused("pricing.rate_missing", field="list_id", source=pair[0], target=pair[1], day=today)
    _refuse_ended(agreement.code, agreement.state)
    made, _new = ListAssignment.unscoped.update_or_create(agreement_id=agreement_id, list_id=list_id, defaults={"priority": priority})
    record(agreement_subject(agreement), detail={"list": price_list.code, "priority": priority})
    return made


@action("pricing.assign")
def unassign_list(agreement_id: int, list_id: int, *, actor: Actor) -> PriceList:
    """Take a list off an agreement. Raises Refused when it is not assigned."""
    agreement = agreements.agreement(actor, agreement_id)
    products.require_acting(actor, agreement.seller_id, "pricing.assign")
    price_list = queries.price_list(actor, list_id)
    gone, _rows = ListAssignment.unscoped.filter(agreement_id=agreement_id, list_id=list_id).delete()
    if not gone:
        raise Refused("pricing.not_assigned", list=price_list.code)
    record(agreement_subject(agreement), detail={"list": price_list.code, "removed": True})
    return price_list


@action("pricing.grant")
def grant_special_price(draft: SpecialDraft, *, actor: Actor) -> SpecialPrice:
    """Give the buyer of one agreement a price of its own; it goes before every list. Emits SpecialPricesGranted."""
    return _grant([draft], [""], actor)[0]


@action("pricing.grant")
def grant_special_prices(drafts: Sequence[SpecialDraft], *, actor: Actor) -> list[SpecialPrice]:
    """Grant many special prices, all or none, in one insert. Raises Invalid with every fault at "rows.<n>.<field>"."""
    return _grant(drafts, [f"rows.{n}." for n in range(len(drafts))], actor) if drafts else []


def _grant(drafts: Sequence[SpecialDraft], at: Sequence[str], actor: Actor) -> list[SpecialPrice]:
    known = {one.pk: one for one in agreements.agreements(actor).filter(pk__in={draft.agreement_id for draft in drafts})}
    for agreement_id in {draft.agreement_id for draft in drafts}:
        agreement = known.get(agreement_id) or agreements.agreement(actor, agreement_id)
        products.require_acting(actor, agreement.seller_id, "pricing.grant")
        _refuse_ended(agreement.code, agreement.state)
    faults = []
    for seller_id in {one.seller_id for one in known.values()}:
        mine = [n for n, draft in enumerate(drafts) if known[draft.agreement_id].seller_id == seller_id]
        carried = products.unscoped_carried(seller_id, {drafts[n].product_id for n in mine})
        faults += _faults([drafts[n] for n in mine], [at[n] for n in mine], carried)
    raise_if_any(faults, Invalid)
    made = SpecialPrice.unscoped.bulk_create([SpecialPrice(granted_at=clock.now(), **asdict(draft)) for draft in drafts])
    for agreement_id, agreement in known.items():
        told = [one for one in made if one.agreement_id == agreement_id]
        detail = [[one.product_id, str(one.min_qty), str(one.amount), str(one.valid_from)] for one in told]
        record(agreement_subject(agreement), reason=told[0].reason if len(told) == 1 else "", detail={"special_prices": detail})
        emit(SpecialPricesGranted(agreement_id, sorted({one.product_id for one in told})), agreement_subject(agreement))
    return made


@action("pricing.grant")
def end_special_price(special_id: int, last_day: date, reason: str, *, actor: Actor) -> SpecialPrice:
    """Let a special price end with `last_day`; one planned for later disappears. Locks it. Needs a reason, because the buyer will ask."""
    if not reason.strip():
        raise Invalid("pricing.reason_missing", field="reason")
    get_visible(actor, SpecialPrice, special_id, "pricing.grant")
    special = lock_one(SpecialPrice, special_id, rank=Rank.NETWORK)
    agreement = agreements.agreement(actor, special.agreement_id)
    record(agreement_subject(agreement), reason=reason, detail=_end(special, last_day))
    return special


def agreement_subject(agreement: object) -> Subject:
    """Assignments and special prices are told on the agreement: its two sides may read that line."""
    return Subject("agreements.agreement", agreement.pk, agreement.seller_id, agreement.buyer_id, agreement.code)  # type: ignore[attr-defined]


def _lock(list_id: int, actor: Actor) -> PriceList:
    get_visible(actor, PriceList, list_id, "pricing.edit")
    return lock_one(PriceList, list_id, rank=Rank.NETWORK)


def _clean(draft: ListDraft) -> ListDraft:
    names = {name: getattr(draft, name).strip() for name in ("code", "name", "name_en")}
    return replace(draft, **names, currency=draft.currency.strip().upper())


def _refuse_other_base(owner_id: int, currency: str, but: int | None) -> None:
    """Name the base list in the way; the unique constraint decides a race."""
    other = PriceList.unscoped.filter(owner_id=owner_id, currency=currency, is_base=True).exclude(pk=but or 0).first()
    if other is not None:
        raise Refused("pricing.base_exists", field="is_base", list=other.code, currency=currency)


def _refuse_ended(code: str, state: str) -> None:
    if state == AgreementState.ENDED:
        raise Refused("pricing.agreement_ended", agreement=code)


def _faults(drafts: Sequence[PriceDraft | SpecialDraft], at: Sequence[str], carried: set[int]) -> list[Fault]:
    faults = []
    for draft, where in zip(drafts, at, strict=True):
        faults += rules.price_faults(draft, where)
        if draft.product_id not in carried:
            faults.append(Fault("pricing.product_unknown", f"{where}product_id"))
    return faults


def _twice(pairs: Sequence[tuple[int, Decimal]], at: Sequence[str]) -> list[Fault]:
    """The same product and break cannot be planned twice in one call: the second would not see the first."""
    seen: set[tuple[int, Decimal]] = set()
    faults = []
    for pair, where in zip(pairs, at, strict=True):
        if pair in seen:
            faults.append(Fault("pricing.twice", f"{where}product_id"))
        seen.add(pair)
    return faults


def _amount(standing: Iterable[rules.Standing], price_id: int) -> Decimal:
    return next(one.amount for one in standing if one.id == price_id)
