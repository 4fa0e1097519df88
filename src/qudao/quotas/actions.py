"""Every change of quotas: declared and shared out by their seller; drawn and given back by order lines, under the lock of the quota."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, part, record
from qudao.base.db import rows, run
from qudao.base.lock import Rank, lock_one, note_rank
from qudao.base.subject import Subject
from qudao.catalog.queries import require_acting
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.quotas import queries, rules
from qudao.quotas.models import Quota, Share, Taken
from qudao.quotas.rules import Ask, Entry, Holder, QuotaDraft, Ration

LOCK = "SELECT id FROM quotas_quota WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
LOCK_ASKED = """SELECT q.id FROM unnest(%s::bigint[], %s::bigint[]) d(seller_id, product_id) JOIN quotas_quota q USING (seller_id, product_id)
    WHERE %s BETWEEN q.valid_from AND q.valid_to ORDER BY q.id FOR UPDATE OF q"""
WRITE = """WITH d AS (SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::numeric[], %s::text[], %s::bigint[])
            d(quota_id, share_id, buyer_id, ref_id, qty, kind, subject_id)),
    e AS (INSERT INTO quotas_taken (quota_id, share_id, buyer_id, ref_id, qty, subject_kind, subject_id, at) SELECT d.*, %s FROM d),
    s AS (UPDATE quotas_share s SET taken = s.taken + g.qty
          FROM (SELECT share_id, sum(qty) AS qty FROM d WHERE share_id IS NOT NULL GROUP BY 1) g WHERE s.id = g.share_id)
    UPDATE quotas_quota q SET taken = q.taken + g.qty FROM (SELECT quota_id, sum(qty) AS qty FROM d GROUP BY 1) g WHERE q.id = g.quota_id"""
#: what is left of each share of the period before, by the share of the same holder now; never less than what is taken of it
CARRY = """WITH d AS (
        SELECT s.id, s.quota_id, greatest(b.qty + b.carried - b.taken, s.taken - s.qty, 0) AS carried, s.carried AS was
        FROM quotas_quota q JOIN quotas_share s ON s.quota_id = q.id
        JOIN LATERAL (SELECT p.id, p.unused, p.valid_to FROM quotas_quota p WHERE p.seller_id = q.seller_id AND p.product_id = q.product_id
                      AND p.valid_to < q.valid_from ORDER BY p.valid_to DESC LIMIT 1) p ON p.unused = 'carried' AND p.valid_to < %s
        JOIN quotas_share b ON b.quota_id = p.id AND (b.group_id = s.group_id OR b.buyer_id = s.buyer_id)
        WHERE q.id = ANY(%s)),
    u AS (UPDATE quotas_share s SET carried = d.carried FROM d WHERE s.id = d.id AND d.carried <> d.was)
    UPDATE quotas_quota q SET carried = q.carried + g.more FROM (SELECT quota_id, sum(carried - was) AS more FROM d GROUP BY 1) g
    WHERE q.id = g.quota_id AND g.more <> 0"""


@part
def open_ration(asks: Sequence[Ask], *, actor: Actor) -> Ration:
    """Lock the quotas that lines of orders draw from, to decide on each order in turn. Two statements; none without any line."""
    if not asks:
        return Ration()
    today = clock.today()
    note_rank(Rank.QUOTA)
    sellers, products = zip(*sorted({(ask.seller_id, ask.product_id) for ask in asks}), strict=True)
    rows(LOCK_ASKED, (list(sellers), list(products), today))
    return queries.unscoped_ration(asks, today)  # a statement of its own: it must see what the one before us wrote while we waited


@part
def draw(ration: Ration, *, actor: Actor) -> None:
    """Write what orders took; the quotas are locked since the ration was opened. One statement, none when nothing is scarce."""
    _write([(entry, subject) for entry, subject in ration.given if isinstance(subject, Subject)])


@part
def give_back(subject: Subject, quantities: Mapping[int, Decimal] | None = None, *, actor: Actor) -> None:
    """Give back what the lines of a document hold, or so much of some of them (by ref_id), what was taken last first. Three statements."""
    refs = None if quantities is None else list(quantities)
    _lock({entry.quota_id for entry in queries.unscoped_held(subject, refs)})
    rest = dict(quantities) if quantities is not None else None
    back: list[tuple[Entry, Subject]] = []
    for entry in queries.unscoped_held(subject, refs):
        qty = entry.qty if rest is None else min(entry.qty, rest[entry.ref_id])
        if qty:
            back.append((replace(entry, qty=-qty), subject))
        if rest is not None:
            rest[entry.ref_id] -= qty
    _write(back)


@part
def hand_over(parts: Sequence[tuple[int, int, Decimal]], subject: Subject, to: Subject, *, actor: Actor) -> None:
    """Let lines of another document hold what lines of this one took: (line, the other's line, quantity). Nothing becomes free. Three statements."""
    wanted = {ref: (other, qty) for ref, other, qty in parts}
    held = queries.unscoped_held(subject, list(wanted))
    _lock({entry.quota_id for entry in held})
    moved: list[tuple[Entry, Subject]] = []
    for entry in held:
        other, rest = wanted[entry.ref_id]
        qty = min(entry.qty, rest)
        if qty:
            moved += [(replace(entry, qty=-qty), subject), (replace(entry, ref_id=other, qty=qty), to)]
            wanted[entry.ref_id] = other, rest - qty
    _write(moved)


def _write(given: Sequence[tuple[Entry, Subject]]) -> None:
    if given:
        entries = [entry for entry, _subject in given]
        columns = [[getattr(entry, name) for entry in entries] for name in ("quota_id", "share_id", "buyer_id", "ref_id", "qty")]
        run(WRITE, (*columns, [subject.kind for _entry, subject in given], [subject.id for _entry, subject in given], clock.now()))


def _lock(quota_ids: Iterable[int]) -> None:
    wanted = sorted(quota_ids)
    if wanted:
        note_rank(Rank.QUOTA)
        rows(LOCK, (wanted,))


@action("quotas.set")
def declare_quota(seller_id: int, draft: QuotaDraft, *, actor: Actor) -> Quota:
    """Declare a product scarce for some days: nobody orders more of it than his share. Without a total it is what is on hand and not promised.

    Raises Invalid at the fields; quotas.quota_no_overlap when there is a quota for some of the days.
    """
    require_acting(actor, seller_id, "quotas.set")
    raise_if_any(rules.draft_faults(draft), Invalid)
    total = queries.unscoped_on_hand(seller_id, draft.product_id) if draft.total is None else draft.total
    if draft.total is None and total <= 0:
        raise Invalid("quotas.nothing_on_hand", field="total")
    facts = {"product_id": draft.product_id, "valid_from": draft.valid_from, "valid_to": draft.valid_to, "unused": draft.unused, "release_on": draft.release_on}
    made = Quota.unscoped.create(seller_id=seller_id, total=total, **facts)
    before = Quota.unscoped.filter(seller_id=seller_id, product_id=draft.product_id, valid_to__lt=draft.valid_from).order_by("-valid_to").first()
    record(made.subject, detail={"total": str(total)})
    if draft.as_before and before is not None:
        _share(made, {Holder(one.group_id, one.buyer_id): one.qty for one in queries.unscoped_shares(before.pk) if one.qty})
        _carry([made.pk])
    return made


@action("quotas.set")
def change_quota(quota_id: int, draft: QuotaDraft, *, actor: Actor) -> Quota:
    """Another quantity, last day or fate of what is unused; product and first day stay. Locks the quota. Raises Invalid below what is shared or ordered."""
    quota = _lock_quota(quota_id, actor)
    draft = replace(draft, product_id=quota.product_id, valid_from=quota.valid_from)
    raise_if_any(rules.draft_faults(draft), Invalid)
    total = quota.total if draft.total is None else draft.total
    shared = sum((one.qty for one in queries.unscoped_shares(quota.pk)), ZERO)
    if total < shared:
        raise Invalid("quotas.shares_beyond", field="total", shares=shared, total=total)
    if total + quota.carried < quota.taken:
        raise Invalid("quotas.below_taken", field="total", taken=quota.taken)
    new = {"total": total, "valid_to": draft.valid_to, "unused": draft.unused, "release_on": draft.release_on}
    changed = {name: [str(getattr(quota, name)), str(value)] for name, value in new.items() if getattr(quota, name) != value}
    for name, value in new.items():
        setattr(quota, name, value)
    if changed:
        quota.save(update_fields=list(changed))
        record(quota.subject, detail=changed)
    return quota


@action("quotas.set")
def set_shares(quota_id: int, shares: Mapping[Holder, Decimal], *, names: Mapping[Holder, str] | None = None, actor: Actor) -> Quota:
    """Set the shares of these holders; 0 takes one away. Others stay. Locks the quota.

    Raises Invalid where a share is below what is ordered of it, or all of them are more than there is.
    """
    quota = _lock_quota(quota_id, actor)
    changed = _share(quota, shares, names or {})
    _carry([quota.pk])
    if changed:
        record(quota.subject, detail={"shares": changed})
    quota.refresh_from_db()
    return quota


@action("quotas.set")
def remove_quota(quota_id: int, *, actor: Actor) -> None:
    """Take a quota away that nobody has ordered from. Locks it. Raises Refused quotas.below_taken."""
    quota = _lock_quota(quota_id, actor)
    if Taken.unscoped.filter(quota=quota).exists():
        raise Refused("quotas.below_taken", taken=quota.taken)
    record(quota.subject)
    quota.delete()


@action("quotas.set")
def carry_over(*, actor: Actor) -> int:
    """Bring what is unused of shares that are over into the period that follows them, where their quota says so. Convergent; how many were looked at."""
    ids = [pk for (pk,) in rows("SELECT id FROM quotas_quota WHERE %s BETWEEN valid_from AND valid_to ORDER BY id", (clock.today(),))]
    _lock(ids)
    _carry(ids)
    return len(ids)


def _lock_quota(quota_id: int, actor: Actor) -> Quota:
    get_visible(actor, Quota, quota_id, "quotas.set")
    return lock_one(Quota, quota_id, rank=Rank.QUOTA)


def _carry(quota_ids: Sequence[int]) -> None:
    run(CARRY, (clock.today(), list(quota_ids)))


def _share(quota: Quota, shares: Mapping[Holder, Decimal], names: Mapping[Holder, str] | None = None) -> list[list[str]]:
    """Write shares of a locked quota; [who, before, after] of those that changed."""
    known = {Holder(one.group_id, one.buyer_id): one for one in queries.unscoped_shares(quota.pk)}
    after = {who: one.qty for who, one in known.items()} | dict(shares)
    used = {who: max(one.taken - one.carried, ZERO) for who, one in known.items() if one.taken > one.carried}
    raise_if_any(rules.share_faults(quota.total, after, used, names or {}), Invalid)
    changed = []
    for who, qty in shares.items():
        one = known.get(who)
        was = one.qty if one else ZERO
        if one is None and qty:
            Share.unscoped.create(quota=quota, group_id=who.group_id, buyer_id=who.buyer_id, qty=qty)
        elif one is not None and qty != was:
            if qty or one.carried or Taken.unscoped.filter(share=one).exists():
                one.qty = qty
                one.save(update_fields=["qty"])
            else:
                one.delete()
        if qty != was:
            changed.append([(names or {}).get(who, f"{'group' if who.group_id else 'buyer'} {who.group_id or who.buyer_id}"), f"{was:f}", f"{qty:f}"])
    return changed
