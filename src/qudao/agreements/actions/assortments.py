"""What a seller shows to which of its buyers: the rules, and the kept result that every list and order reads.

Rules are few and say little; what follows from them is kept for each agreement and each organisation as a set of products (`catalog.HiddenSet`) that
thousands share. `follow_assortments` makes it again after every change. It and whoever activates an agreement keep one another out by an advisory lock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from qudao.agreements import queries, rules
from qudao.agreements.models import AssortmentRule
from qudao.agreements.rules import WHAT, WHOM, Dealing, RuleDraft, Sorted
from qudao.base.access import Actor
from qudao.base.action import action, record
from qudao.base.db import run
from qudao.base.lock import Rank, lock_one
from qudao.base.subject import Subject
from qudao.catalog import actions as catalog
from qudao.catalog import queries as products
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.network import queries as network

VERB = "agreements.assort"
ASSORT_LOCK = 0x71640A55  # any number no other advisory lock of the product uses


def rule_subject(rule: AssortmentRule) -> Subject:
    """A rule as the log names it: its seller's own affair."""
    return Subject("agreements.assortmentrule", rule.pk, rule.seller_id, None)


@action(VERB)
def set_rule(draft: RuleDraft, *, actor: Actor) -> AssortmentRule:
    """Show, or hide, products to buyers of the own organisation. The same whom, what and first day again changes the rule that is there.

    What is shown follows within seconds (AudienceDue). Raises Invalid at the field for whom or what the own organisation does not know.
    """
    place = check_rule(draft, actor)
    facts = {"shown": draft.shown, "valid_to": draft.valid_to}
    rule, made = AssortmentRule.unscoped.update_or_create(seller_id=actor.org_id, **place, defaults=facts)
    _told(rule, "new" if made else "", actor, detail={name: str(value) for name, value in asdict(draft).items() if value not in (None, "")})
    return rule


@action(VERB)
def change_rule(rule_id: int, shown: bool, valid_to: date | None, *, actor: Actor) -> AssortmentRule:
    """Turn a rule round, or give it another last day. Locks it. Raises Invalid for a last day before the first."""
    queries.assortment_rule(actor, rule_id, VERB)
    rule = lock_one(AssortmentRule, rule_id, rank=Rank.NETWORK)
    if valid_to is not None and valid_to < rule.valid_from:
        raise Invalid("agreements.span_wrong", field="valid_to")
    changed = {name: [str(was), str(now)] for name, was, now in (("shown", rule.shown, shown), ("valid_to", rule.valid_to, valid_to)) if was != now}
    if changed:
        rule.shown, rule.valid_to = shown, valid_to
        rule.save(update_fields=["shown", "valid_to"])
        _told(rule, "", actor, detail=changed)
    return rule


@action(VERB)
def end_rule(rule_id: int, *, actor: Actor) -> AssortmentRule:
    """Let a rule end with yesterday; one that has not begun by then disappears (the log keeps it). Locks it."""
    queries.assortment_rule(actor, rule_id, VERB)
    rule = lock_one(AssortmentRule, rule_id, rank=Rank.NETWORK)
    today = clock.today()
    if rule.valid_to is not None and rule.valid_to < today:
        raise Refused("agreements.rule_over")
    _told(rule, "ended", actor)
    if rule.valid_from >= today:
        AssortmentRule.unscoped.filter(pk=rule_id).delete()
    else:
        rule.valid_to = today - timedelta(days=1)
        rule.save(update_fields=["valid_to"])
    return rule


def _told(rule: AssortmentRule, after: str, actor: Actor, detail: dict[str, Any] | None = None) -> None:
    record(rule_subject(rule), after=after, detail=detail or {})
    catalog.tell_due(rule.seller_id, [rule.buyer_id] if rule.buyer_id else [], rule_subject(rule), actor=actor)


def check_rule(draft: RuleDraft, actor: Actor) -> dict[str, Any]:
    """The columns by which a rule is known. Raises Invalid for more than one whom or what, or for one the own organisation does not know."""
    wide = [name for name in WHOM[2:] if getattr(draft, name) not in (None, "")]
    whom = [name for name in WHOM[:2] if getattr(draft, name)] + wide[:1]
    what = [name for name in WHAT if getattr(draft, name)]
    faults = [Fault("agreements.rule_whom", whom[1])] if len(whom) > 1 else []
    faults += [Fault("agreements.rule_what", what[1])] if len(what) > 1 else []
    if draft.valid_to is not None and draft.valid_to < draft.valid_from:
        faults.append(Fault("agreements.span_wrong", "valid_to"))
    orgs = {pk for pk in (draft.buyer_id, draft.region_id) if pk}
    known = set(network.organisations(actor).filter(pk__in=orgs).values_list("pk", flat=True)) if orgs else set()
    faults += [Fault("agreements.rule_org", name) for name in ("buyer_id", "region_id") if getattr(draft, name) and getattr(draft, name) not in known]
    if draft.group_id and not queries.groups(actor).filter(pk=draft.group_id, owner_id=actor.org_id).exists():
        faults.append(Fault("agreements.group_unknown", "group_id"))
    if draft.product_id and not products.unscoped_carried(actor.org_id, [draft.product_id]):
        faults.append(Fault("agreements.rule_product", "product_id"))
    if draft.category_id and not products.unscoped_has_category(actor.org_id, draft.category_id):
        faults.append(Fault("agreements.category_unknown", "category_id"))
    if draft.brand_id and not products.brands(actor).filter(pk=draft.brand_id).exists():
        faults.append(Fault("agreements.rule_brand", "brand_id"))
    raise_if_any(faults, Invalid)
    clean = {"area_code": draft.area_code.strip(), "channel": rules.channel_of(draft.channel)}
    return {name: getattr(draft, name) for name in (*WHOM, *WHAT, "valid_from")} | clean


@action(VERB)
def follow_assortments(asked: Mapping[int, Collection[int]] | None = None, *, actor: Actor) -> None:
    """Make what is shown follow rules, groups, the tree, products and the day: for all sellers that have rules, or for some, each with all its buyers
    or with those named. Convergent: writes only what differs.
    """
    run("select pg_advisory_xact_lock(%s)", [ASSORT_LOCK])
    buyers = queries.unscoped_to_follow(asked)
    if buyers:
        _show(buyers, actor)
        run("delete from agreements_assortment s using agreements_agreement a where a.id = s.agreement_id and a.state <> 'active'")
        catalog.drop_hidden(queries.unscoped_hidden_sets(), actor=actor)


def hold_still() -> None:
    """Keep `follow_assortments` out until this transaction ends. Before the agreement is locked that begins or stops: whoever follows locks it after."""
    run("select pg_advisory_xact_lock_shared(%s)", [ASSORT_LOCK])


def open_catalogues(buyer_id: int, actor: Actor) -> None:
    """Recompute whose products a buyer and everybody who buys through it may see: an agreement began or stopped. Part of its transaction."""
    _show([buyer_id], actor)


def _show(buyer_ids: Iterable[int], actor: Actor) -> None:
    """Write what buyers, and all who buy through them, see. Four statements where no rule is about any of them, whatever their number."""
    viewers, pairs = queries.unscoped_reach(buyer_ids)
    found = queries.unscoped_about(viewers, clock.today())
    if not any(one.narrow or one.rules for one in found):
        catalog.set_audience(viewers, pairs, actor=actor)
        return
    known = products.unscoped_unseen({one.seller_id for one in found} - viewers)
    pairs = {(owner, viewer) for owner, viewer in pairs if owner != viewer}
    dealings, owned = _hiding(found, pairs | set(known))
    unseen, shows = rules.spread(dealings, pairs, known, owned)
    sets = catalog.keep_hidden({*unseen.values(), *shows.values()}, actor=actor)
    catalog.set_audience(viewers, {pair: sets.get(unseen.get(pair, frozenset())) for pair in pairs}, actor=actor)
    _write({pk: sets.get(hidden) for pk, hidden in shows.items()})


def _hiding(found: Collection[queries.About], reached: set[tuple[int, int]]) -> tuple[list[Dealing], dict[int, frozenset[int]]]:
    """The agreements with what the rules about each hide of what its seller reaches, and the products of every owner. Two statements."""
    showings = queries.unscoped_showings(pk for one in found for pk in one.rules)
    carries = {one.seller_id: {one.seller_id} for one in found}
    for owner, viewer in reached:
        carries.setdefault(viewer, {viewer}).add(owner)
    by_owner: dict[int, list[Sorted]] = {}
    for row in products.unscoped_sorted({owner for owners in carries.values() for owner in owners}):
        by_owner.setdefault(row[1], []).append(Sorted(*row))
    made: dict[tuple[int, tuple[int, ...]], frozenset[int]] = {}
    for one in found:
        key = (one.seller_id, one.rules)
        if key not in made:  # most buyers of a seller have the same rules
            goods = (product for owner in sorted(carries[one.seller_id]) for product in by_owner.get(owner, ()))
            made[key] = rules.hidden_by([showings[pk] for pk in one.rules], goods)
    dealings = [Dealing(one.id, one.seller_id, one.buyer_id, made[one.seller_id, one.rules]) for one in found]
    return dealings, {owner: frozenset(one.id for one in some) for owner, some in by_owner.items()}


def _write(hidden: Mapping[int, int | None]) -> None:
    """Keep which set each of these agreements does not show (None: it shows all). Two statements."""
    run("delete from agreements_assortment where agreement_id = any(%s::bigint[])", [[pk for pk, found in hidden.items() if found is None]])
    kept = {pk: found for pk, found in hidden.items() if found is not None}
    run(
        """insert into agreements_assortment (agreement_id, hidden_id) select * from unnest(%s::bigint[], %s::bigint[])
           on conflict (agreement_id) do update set hidden_id = excluded.hidden_id where agreements_assortment.hidden_id <> excluded.hidden_id""",
        [list(kept), list(kept.values())],
    )
