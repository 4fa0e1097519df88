"""Every change of an agreement. Each locks the agreement first; what the buyer's branch sees of catalogues follows in the same transaction."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from qudao.agreements import queries, rules
from qudao.agreements.actions.assortments import hold_still, open_catalogues
from qudao.agreements.actions.notices import subject_of, tell_sides
from qudao.agreements.events import AgreementActivated, AgreementEnded, AgreementSuspended
from qudao.agreements.models import Agreement, Authorisation
from qudao.agreements.queries import Terms
from qudao.agreements.rules import AgreementDraft, Grant
from qudao.agreements.states import AgreementState
from qudao.approvals.actions import Asking, signed
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit, part, record
from qudao.base.html import figures
from qudao.base.html.tables import by_language
from qudao.base.lock import Rank, lock_one
from qudao.catalog import actions as catalog
from qudao.catalog import queries as products
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, NotFound, Refused, raise_if_any
from qudao.network import queries as network
from qudao.network.states import OrgState


def _asks(agreement_id: int, *told: Any, actor: Actor, **more: Any) -> Asking | None:
    """What a flow asks of an agreement that comes into force, or again, and of a least order amount. Who sells under it decides."""
    agreement = get_visible(actor, Agreement, agreement_id)
    least = next((one for one in (*told, *more.values()) if isinstance(one, Decimal)), None)
    if agreement.seller_id != actor.org_id or (least is not None and agreement.state == AgreementState.DRAFT):
        return None
    return Asking(subject_of(agreement), least or Decimal(0), agreement.currency, "active" if least is None else "least")


def _card(agreement_id: int, reason: str = "", **least: Any) -> list[tuple[Any, Any]]:
    """The terms that would count; of a least order amount, the one that counts now."""
    of = Agreement.unscoped.select_related("buyer").get(pk=agreement_id)
    told: list[tuple[Any, Any]] = [(_("Buyer"), by_language(of.buyer.name, of.buyer.name_en))]
    if least:
        return [*told, (_("Smallest order now"), figures.money(of.min_order, of.currency))]
    until = figures.day(of.valid_to) if of.valid_to else _("until withdrawn")
    days = ngettext("{n} day", "{n} days", of.payment_days).format(n=of.payment_days)
    told += [(_("Payment"), _("paid in advance") if of.prepaid else days), (_("Currency"), of.currency)]
    told += [(_("From"), figures.day(of.valid_from)), (_("To, included"), until)]
    return [*told, *([(_("Reason"), reason)] if reason else [])]


@action("agreements.draft")
def draft_agreement(draft: AgreementDraft, *, actor: Actor) -> Agreement:
    """Write down the terms of a seller and a buyer; nothing follows from a draft. Raises Invalid at the field, NotFound for a hidden buyer."""
    products.require_acting(actor, draft.seller_id, "agreements.draft")
    network.organisation(actor, draft.buyer_id)
    raise_if_any([*rules.draft_faults(draft), *_party_faults(draft.seller_id, draft.buyer_id), *_taken(draft)], Invalid)
    agreement = Agreement.unscoped.create(**_columns(draft), state_since=clock.now())
    record(subject_of(agreement), after=agreement.state)
    return agreement


@action("agreements.draft")
def change_agreement(agreement_id: int, draft: AgreementDraft, *, actor: Actor) -> Agreement:
    """Change the terms of a draft; the two sides stay. Locks it. An active agreement keeps its terms: end it and draft another."""
    agreement = _lock(agreement_id, "agreements.draft", actor)
    if agreement.state != AgreementState.DRAFT:
        raise Refused("agreements.only_draft", agreement=agreement.code)
    faults = rules.draft_faults(draft)
    if draft.code.strip() != agreement.code:
        faults += _taken(draft)
    raise_if_any(faults, Invalid)
    changed = {}
    for name, value in _columns(draft).items():
        if name not in ("seller_id", "buyer_id") and (before := getattr(agreement, name)) != value:
            changed[name] = [str(before), str(value)]
            setattr(agreement, name, value)
    if changed:
        agreement.save(update_fields=list(changed))
        record(subject_of(agreement), detail=changed)
    return agreement


@signed("agreements.terms", _asks, _card)
@action("agreements.activate")
def activate_agreement(agreement_id: int, reason: str = "", *, actor: Actor) -> Agreement:
    """Let the two trade: from draft, or again after a suspension. Locks it; emits AgreementActivated.

    The buyer and all who buy through it now see the catalogues the seller sees. Raises Refused while another agreement of the pair
    in this currency is active.
    """
    hold_still()
    agreement = _lock(agreement_id, "agreements.activate", actor)
    after = rules.next_state(agreement.state, "activate", agreement.code)
    rules.may_activate(agreement.code, agreement.valid_to, clock.today())
    raise_if_any(_party_faults(agreement.seller_id, agreement.buyer_id))
    _refuse_other_active(agreement)
    _move(agreement, after, reason)
    emit(AgreementActivated(agreement.pk, agreement.seller_id, agreement.buyer_id, agreement.currency), subject_of(agreement))
    open_catalogues(agreement.buyer_id, actor)
    tell_sides("activated", agreement, actor=actor)
    return agreement


@action("agreements.draft")
def set_channel(agreement_id: int, channel: str, *, actor: Actor) -> Agreement:
    """Say through which channel the buyer sells ("" = none): a mark for prices and figures, not a term, so it may change while the two trade. Locks it."""
    agreement = _lock(agreement_id, "agreements.draft", actor)
    if agreement.state == AgreementState.ENDED:
        raise Refused("agreements.state", agreement=agreement.code, state=AgreementState(agreement.state).label)
    before, agreement.channel = agreement.channel, rules.channel_of(channel)
    if before != agreement.channel:
        agreement.save(update_fields=["channel"])
        record(subject_of(agreement), detail={"channel": [before, agreement.channel]})
        catalog.tell_due(agreement.seller_id, [agreement.buyer_id], subject_of(agreement), actor=actor)
    return agreement


@signed("agreements.terms", _asks, _card)
@action("agreements.draft")
def set_min_order(agreement_id: int, amount: Decimal, *, actor: Actor) -> Agreement:
    """Say what an order must at least come to before tax (0 = nothing); it counts for orders placed from now on. Locks it. Raises Invalid at `min_order`."""
    agreement = _lock(agreement_id, "agreements.draft", actor)
    if agreement.state == AgreementState.ENDED:
        raise Refused("agreements.state", agreement=agreement.code, state=AgreementState(agreement.state).label)
    raise_if_any(rules.min_order_faults(amount), Invalid)
    before, agreement.min_order = agreement.min_order, amount
    if before != amount:
        agreement.save(update_fields=["min_order"])
        record(subject_of(agreement), detail={"min_order": [str(before), str(amount)]})
        if agreement.state == AgreementState.ACTIVE:
            tell_sides("min_order_changed" if amount else "min_order_dropped", agreement, amount=str(amount), currency=agreement.currency, actor=actor)
    return agreement


@action("agreements.suspend")
def suspend_agreement(agreement_id: int, reason: str, *, actor: Actor) -> Agreement:
    """Stop new orders under an agreement; what is under way goes on. Locks it; emits AgreementSuspended."""
    hold_still()
    agreement = _lock(agreement_id, "agreements.suspend", actor)
    _need_reason(reason)
    _move(agreement, rules.next_state(agreement.state, "suspend", agreement.code), reason)
    emit(AgreementSuspended(agreement.pk, agreement.seller_id, agreement.buyer_id), subject_of(agreement))
    tell_sides("suspended", agreement, reason=reason.strip(), actor=actor)
    open_catalogues(agreement.buyer_id, actor)
    return agreement


@action("agreements.end")
def end_agreement(agreement_id: int, reason: str, *, actor: Actor) -> Agreement:
    """End an agreement for good, today at the latest; open documents are worked off. Locks it; emits AgreementEnded."""
    hold_still()
    agreement = _lock(agreement_id, "agreements.end", actor)
    _need_reason(reason)
    return _end(agreement, reason, actor)


@action("agreements.end")
def end_expired(*, actor: Actor) -> None:
    """End every agreement whose last day is over. Convergent; for the nightly job."""
    hold_still()
    for pk in queries.unscoped_expired(clock.today()):
        agreement = lock_one(Agreement, pk, rank=Rank.NETWORK)
        if agreement.state != AgreementState.ENDED:
            _end(agreement, "", actor)


def _end(agreement: Agreement, reason: str, actor: Actor) -> Agreement:
    was_draft = agreement.state == AgreementState.DRAFT
    after = rules.next_state(agreement.state, "end", agreement.code)
    last = max(agreement.valid_from, clock.today())
    if agreement.valid_to is None or agreement.valid_to > last:
        agreement.valid_to = last
    _move(agreement, after, reason)
    if not was_draft:
        emit(AgreementEnded(agreement.pk, agreement.seller_id, agreement.buyer_id), subject_of(agreement))
        tell_sides("ended", agreement, reason=reason.strip(), actor=actor)
        open_catalogues(agreement.buyer_id, actor)
    return agreement


@part
def ensure_transfer_terms(giver_id: int, terms: Terms, *, actor: Actor) -> int:
    """The agreement under which one buyer of a seller passes goods on to another, whose `terms` with that seller it has; made, or made anew when those
    in this currency are others now. Convergent: the receiver's agreement is locked. Returns its id; emits AgreementActivated of a new one.

    Raises Refused agreements.transfers_suspended when the giver suspended it.
    """
    lock_one(Agreement, terms.agreement_id, rank=Rank.NETWORK)
    wanted = {name: getattr(terms, name) for name in ("currency", "payment_days", "invoice_on", "tax_inclusive")}
    made = list(Agreement.unscoped.filter(seller_id=giver_id, buyer_id=terms.buyer.id, transfers=True).order_by("-id"))
    for one in (one for one in made if one.currency == terms.currency):
        if one.state == AgreementState.SUSPENDED:
            raise Refused("agreements.transfers_suspended", agreement=one.code)
        if one.state == AgreementState.ACTIVE:
            if all(getattr(one, name) == value for name, value in wanted.items()):
                return one.pk
            _end(one, "", actor)
    agreement = Agreement.unscoped.create(
        seller_id=giver_id, buyer_id=terms.buyer.id, code=f"TR-{terms.buyer.code}-{len(made) + 1}", valid_from=clock.today(),
        state=AgreementState.ACTIVE, state_since=clock.now(), transfers=True, **wanted,
    )  # fmt: skip
    record(subject_of(agreement), after=agreement.state)
    emit(AgreementActivated(agreement.pk, giver_id, agreement.buyer_id, agreement.currency), subject_of(agreement))
    return agreement.pk


@action("agreements.authorise")
def authorise(agreement_id: int, grant: Grant, *, actor: Actor) -> Authorisation:
    """Allow (or forbid) the buyer a product, a category, or everything. Locks the agreement. Raises Invalid at the field, Refused on overlap."""
    agreement = _lock(agreement_id, "agreements.authorise", actor)
    if agreement.state == AgreementState.ENDED:
        raise Refused("agreements.state", agreement=agreement.code, state=AgreementState(agreement.state).label)
    raise_if_any([*rules.grant_faults(grant), *_grant_target_faults(agreement, grant)], Invalid)
    same = Authorisation.unscoped.filter(
        Q(valid_to=None) | Q(valid_to__gte=grant.valid_from),
        agreement=agreement,
        product_id=grant.product_id,
        category_id=grant.category_id,
        allowed=grant.allowed,
    )
    if same.filter(valid_from__lte=grant.valid_to or date.max).exists():
        raise Refused("agreements.grant_exists")
    made = Authorisation.unscoped.create(agreement=agreement, **asdict(grant))
    record(subject_of(agreement), detail=_told(made))
    return made


@action("agreements.authorise")
def withdraw_authorisation(authorisation_id: int, reason: str = "", *, actor: Actor) -> Agreement:
    """End an authorisation with yesterday; one that never was in force disappears (the log keeps it). Locks the agreement."""
    seen = get_visible(actor, Authorisation, authorisation_id, "agreements.authorise")
    agreement = lock_one(Agreement, seen.agreement_id, rank=Rank.NETWORK)
    # The lock on the agreement keeps everybody else from its authorisations; what was seen before it may be old.
    grant = Authorisation.unscoped.filter(pk=authorisation_id).first()
    today = clock.today()
    if grant is None or (grant.valid_to is not None and grant.valid_to < today):
        raise Refused("agreements.withdrawn")
    told = _told(grant)
    if grant.valid_from >= today:
        grant.delete()
    else:
        grant.valid_to = today - timedelta(days=1)
        grant.save(update_fields=["valid_to"])
    record(subject_of(agreement), reason=reason, detail={**told, "withdrawn": True})
    return agreement


def _lock(agreement_id: int, verb: str, actor: Actor) -> Agreement:
    get_visible(actor, Agreement, agreement_id, verb)
    return lock_one(Agreement, agreement_id, rank=Rank.NETWORK)


def _move(agreement: Agreement, after: str, reason: str) -> None:
    before, since = agreement.state, agreement.state_since
    agreement.state, agreement.state_since = after, clock.now()
    agreement.save(update_fields=["state", "state_since", "valid_to"])
    record(subject_of(agreement), before=before, after=after, reason=reason, since=since)


def _columns(draft: AgreementDraft) -> dict[str, object]:
    days = 0 if draft.prepaid else draft.payment_days
    return {**asdict(draft), "code": draft.code.strip(), "channel": rules.channel_of(draft.channel), "payment_days": days}


def _party_faults(seller_id: int, buyer_id: int) -> list[Fault]:
    cards = network.unscoped_cards([seller_id, buyer_id])
    if len(cards) < len({seller_id, buyer_id}):
        raise NotFound("network.unknown")
    return [Fault("agreements.party_closed", "", {"name": card.name}) for card in cards.values() if card.state == OrgState.CLOSED]


def _taken(draft: AgreementDraft) -> list[Fault]:
    """Say it at the field; the unique constraint decides a race."""
    taken = Agreement.unscoped.filter(seller_id=draft.seller_id, code=draft.code.strip()).exists()
    return [Fault("agreements.code_taken", "code", {"code": draft.code.strip()})] if taken else []


def _refuse_other_active(agreement: Agreement) -> None:
    """Name the agreement in the way; the exclusion constraint decides a race."""
    other = (
        Agreement.unscoped.filter(seller_id=agreement.seller_id, buyer_id=agreement.buyer_id, state=AgreementState.ACTIVE, transfers=agreement.transfers)
        .filter(currency=agreement.currency)
        .filter(Q(valid_to=None) | Q(valid_to__gte=agreement.valid_from), valid_from__lte=agreement.valid_to or date.max)
        .select_related("seller", "buyer")
        .first()
    )
    if other is not None:
        raise Refused("agreements.active_exists", seller=other.seller.name, buyer=other.buyer.name, other=other.code)


def _grant_target_faults(agreement: Agreement, grant: Grant) -> list[Fault]:
    if grant.product_id is not None and not products.unscoped_carried(agreement.seller_id, [grant.product_id]):
        return [Fault("agreements.product_foreign", "product_id", {"agreement": agreement.code})]
    if grant.category_id is not None and not products.unscoped_has_category(agreement.seller_id, grant.category_id):
        return [Fault("agreements.category_unknown", "category_id")]
    return []


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("agreements.reason_missing", field="reason")


def _told(grant: Authorisation) -> dict[str, object]:
    """An authorisation as the log keeps it."""
    return {
        "authorisation": grant.pk,
        "product": grant.product_id,
        "category": grant.category_id,
        "allowed": grant.allowed,
        "valid_from": str(grant.valid_from),
        "valid_to": str(grant.valid_to) if grant.valid_to else None,
    }
