"""Warehouses: opened, described, closed and opened again; and goods moved from one to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from qudao.base.access import Actor, get_visible, visible
from qudao.base.action import action, record
from qudao.base.built import built_on, erase
from qudao.base.db import rows, run
from qudao.base.lock import Rank, lock_one, lock_rows, note_rank
from qudao.inventory import queries, rules
from qudao.inventory.actions.keep import OpeningLine, own_warehouse, subject_of
from qudao.inventory.actions.move import post_moves
from qudao.inventory.models import Place, ServingRule
from qudao.inventory.rules import MoveSpec, PlaceFacts
from qudao.inventory.states import MOST_LOT, PlaceKind
from qudao.kernel.errors import Fault, Invalid, NotFound, Refused, raise_if_any
from qudao.kernel.quantity import plain

VERB = "inventory.manage_places"
# What left the place for transit and has not all arrived, by the document it left with.
UNDER_WAY = """SELECT DISTINCT m.number FROM inventory_move m JOIN inventory_place t ON t.id = m.to_place_id AND t.kind = 'transit'
    JOIN inventory_stock s ON s.place_id = t.id AND s.product_id = m.product_id AND s.on_hand > 0
    WHERE m.from_place_id = %s AND (
        SELECT sum(CASE WHEN x.to_place_id = t.id THEN x.qty ELSE -x.qty END) FROM inventory_move x
        WHERE x.subject_kind = m.subject_kind AND x.subject_id = m.subject_id AND x.product_id = m.product_id AND t.id IN (x.to_place_id, x.from_place_id)
    ) > 0 ORDER BY 1 LIMIT 5"""
SUPPLIES = """SELECT a.code FROM inventory_supplyplace y JOIN agreements_agreement a ON a.id = y.agreement_id AND a.state <> 'ended'
    WHERE y.place_id = %s ORDER BY 1 LIMIT 5"""
HELD = "SELECT count(*) FILTER (WHERE on_hand > 0), bool_or(awaited) FROM inventory_stock WHERE place_id = %s"


@action(VERB)
def register_place(code: str, name: str = "", facts: PlaceFacts = PlaceFacts(), *, actor: Actor) -> Place:
    """Open another warehouse of the own organisation. A taken code is refused by the constraint."""
    if not code.strip():
        raise Invalid("inventory.place_code_missing", field="code")
    facts = facts.clean()
    told = asdict(facts) | {"name": name.strip() or facts.name}
    place = Place.unscoped.create(owner_id=actor.org_id, code=code.strip().upper(), kind=PlaceKind.STOCK, **told)
    record(subject_of(place), after="registered", detail={"code": place.code})
    return place


@action(VERB)
def change_place(place_id: int, facts: PlaceFacts, *, actor: Actor) -> Place:
    """Describe a place of the own organisation anew; its code stays. Locks it."""
    get_visible(actor, Place, place_id, VERB)
    place = lock_one(Place, place_id, rank=Rank.NETWORK)
    changed = {name: [was, value] for name, value in asdict(facts.clean()).items() if (was := getattr(place, name)) != value}
    for name, (_was, value) in changed.items():
        setattr(place, name, value)
    if changed:
        place.save(update_fields=list(changed))
        record(subject_of(place), detail=changed)
    return place


@action(VERB)
def close_place(place_id: int, reason: str, *, actor: Actor) -> Place:
    """Close a warehouse: nothing enters it any more. Waits for all who move goods just now, so that none of them overlooks it.

    Raises Refused with every reason at once: goods lie there or are under way from there, orders wait for some, agreements or rules name it.
    """
    place = own_warehouse(actor, place_id, VERB)
    if not reason.strip():
        raise Invalid("inventory.reason_missing", field="reason")
    if place.code == "MAIN":
        raise Refused("inventory.place_main")
    note_rank(Rank.STOCK)
    run("LOCK TABLE inventory_stock IN EXCLUSIVE MODE")
    raise_if_any(_hindrances(place), Refused)
    place.closed = True
    place.save(update_fields=["closed"])
    record(subject_of(place), before="open", after="closed", reason=reason)
    return place


def _hindrances(place: Place) -> list[Fault]:
    """Why a warehouse cannot be closed. Four statements."""
    named = {"place": place.code}
    ((products, awaited),) = rows(HELD, [place.pk])
    faults = [Fault("inventory.place_not_empty", "", {**named, "n": products})] if products else []
    if awaited:
        faults.append(Fault("inventory.place_awaited", "", named))
    if numbers := [number for (number,) in rows(UNDER_WAY, [place.pk])]:
        faults.append(Fault("inventory.place_under_way", "", {**named, "numbers": ", ".join(numbers)}))
    if codes := [code for (code,) in rows(SUPPLIES, [place.pk])]:
        faults.append(Fault("inventory.place_supplies", "", {**named, "codes": ", ".join(codes)}))
    if ServingRule.unscoped.filter(owner_id=place.owner_id, place_ids__contains=[place.pk]).exists():
        faults.append(Fault("inventory.place_serves", "", named))
    return faults


@action(VERB)
def reopen_place(place_id: int, *, actor: Actor) -> Place:
    """Open a closed warehouse again. Locks it. Raises Refused when it is open."""
    get_visible(actor, Place, place_id, VERB)
    place = lock_one(Place, place_id, rank=Rank.NETWORK)
    if not place.closed:
        raise Refused("inventory.place_open", place=place.code)
    place.closed = False
    place.save(update_fields=["closed"])
    record(subject_of(place), before="closed", after="open")
    return place


@action(VERB)
def remove_places(place_ids: Iterable[int], *, actor: Actor) -> None:
    """Let warehouses disappear that were opened by mistake and through which nothing ever went. Locks them.

    Raises Refused `inventory.place_used` at "rows.<id>" for every one that is used, NotFound.
    """
    wanted = set(place_ids)
    if visible(actor, Place, VERB).filter(pk__in=wanted).count() != len(wanted):
        raise NotFound("base.not_found")
    locked = lock_rows(Place, wanted, rank=Rank.NETWORK)
    used = used_places(wanted)
    raise_if_any([Fault("inventory.place_used", f"rows.{one.pk}", {"place": one.code, "where": used[one.pk]}) for one in locked if one.pk in used], Refused)
    for one in locked:
        record(subject_of(one), after="removed")
    erase(Place, wanted, "")


def used_places(place_ids: Iterable[int]) -> Mapping[int, str]:
    """Of these places those at which something points, with where in words; also serving rules, which name places in a list."""
    wanted = set(place_ids)
    found = built_on(Place, wanted)
    for ids in ServingRule.unscoped.filter(place_ids__overlap=list(wanted)).values_list("place_ids", flat=True):
        found |= {pk: str(Place._meta.app_config.verbose_name) for pk in ids if pk in wanted}
    return found


@action("inventory.move")
def move_between_places(from_place_id: int, to_place_id: int, lines: Sequence[OpeningLine], reason: str, *, actor: Actor) -> Place:
    """Bring goods from one own warehouse into another: they leave and arrive in this one transaction. Locks the stock rows of both ends.

    A line names its lot or takes what expires first. Whoever waits for goods in the other warehouse hears of them (GoodsFree). Raises Invalid, and Refused
    `inventory.short` or what is wrong with its lots at "lines.<n>" for every line. What is reserved stays.
    """
    source, target = (own_warehouse(actor, pk, "inventory.move") for pk in (from_place_id, to_place_id))
    if not reason.strip():
        raise Invalid("inventory.reason_missing", field="reason")
    if not lines:
        raise Invalid("inventory.no_lines", field="lines")
    if source.pk == target.pk:
        raise Invalid("inventory.same_place", field="to_place")
    rules.check_quantities((line.qty, n) for n, line in enumerate(lines))
    check_shift(lines, queries.unscoped_known_products([line.product_id for line in lines]))
    specs = [MoveSpec(line.product_id, line.qty, source.pk, target.pk, n, lots=line.lots) for n, line in enumerate(lines)]
    post_moves(specs, subject_of(source), actor=actor)
    total = plain(sum((line.qty for line in lines), rules.ZERO))
    record(subject_of(source), after="moved", reason=reason, detail={"to": target.code, "lines": len(lines), "total": total})
    return target


def check_shift(lines: Sequence[OpeningLine], tracked: Mapping[int, bool]) -> None:
    """Every line has a product that there is, and a lot only where the product is tracked by lot."""
    faults = []
    for n, line in enumerate(lines):
        if line.product_id not in tracked:
            faults.append(Fault("inventory.no_product", f"lines.{n}"))
        elif line.lot and not tracked[line.product_id]:
            faults.append(Fault("inventory.lot_untracked", f"lines.{n}"))
        elif len(line.lot) > MOST_LOT:
            faults.append(Fault("inventory.lot_too_long", f"lines.{n}", {"most": MOST_LOT}))
    raise_if_any(faults, Invalid)
