"""Decisions about quotas, without a database: what is left for a buyer, what a declaration may say, how a quantity is shared fairly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from qudao.kernel.errors import Fault
from qudao.kernel.money import ZERO, round_to
from qudao.quotas.states import Unused

MOST = Decimal("1000000000")


@dataclass(frozen=True)
class QuotaDraft:
    """A quota as its seller declares it. `total` None: what is on hand and not promised. `as_before`: with the shares of the period before."""

    product_id: int
    valid_from: date
    valid_to: date
    total: Decimal | None = None
    unused: str = Unused.LAPSES
    release_on: date | None = None
    as_before: bool = False


@dataclass(frozen=True)
class Holder:
    """Who has a share: a group of buyers, or one buyer."""

    group_id: int | None = None
    buyer_id: int | None = None


@dataclass(frozen=True)
class Ask:
    """So much of a seller's product for a line of a buyer's order, in base units; `no` is the line's number, for people."""

    seller_id: int
    buyer_id: int
    product_id: int
    ref_id: int
    no: int
    qty: Decimal

    @property
    def key(self) -> tuple[int, int, int]:
        return self.seller_id, self.buyer_id, self.product_id


@dataclass
class Pot:
    """What a buyer draws a product from: his share of a locked quota, or all that is left of one that is released (`share_id` None)."""

    quota_id: int
    share_id: int | None
    left: Decimal
    until: date
    code: str
    unit: str


@dataclass(frozen=True)
class Entry:
    """A change of what is taken: of a share, or of nobody's."""

    quota_id: int
    share_id: int | None
    buyer_id: int
    ref_id: int
    qty: Decimal


@dataclass
class Ration:
    """Quotas that are locked for orders which ask one after the other; what they get is written at once."""

    pots: Mapping[tuple[int, int, int], Pot] = field(default_factory=dict)
    given: list[tuple[Entry, object]] = field(default_factory=list)

    def faults(self, asks: Sequence[Ask]) -> list[Fault]:
        """A fault for every line that asks for more than is left, the lines before it served."""
        left: dict[int, Decimal] = {}
        found = []
        for ask in asks:
            pot = self.pots.get(ask.key)
            if pot is None:
                continue
            have = left.get(id(pot), pot.left)
            if ask.qty > have:
                about = {"product": pot.code, "unit": pot.unit, "left": max(have, ZERO), "until": pot.until, "no": ask.no}
                found.append(Fault("quotas.over", f"lines.{ask.no}.qty", about))
            left[id(pot)] = have - ask.qty
        return found

    def take(self, asks: Sequence[Ask], subject: object) -> bool:
        """Take what lines ask for; the caller has asked for the faults. Whether anything of it is scarce."""
        scarce = False
        for ask in asks:
            pot = self.pots.get(ask.key)
            if pot is not None and ask.qty:
                pot.left -= ask.qty
                self.given.append((Entry(pot.quota_id, pot.share_id, ask.buyer_id, ask.ref_id, ask.qty), subject))
                scarce = True
        return scarce


def draft_faults(draft: QuotaDraft) -> list[Fault]:
    """What is wrong with a declaration, at its fields."""
    faults = []
    if draft.valid_to < draft.valid_from:
        faults.append(Fault("quotas.span_wrong", "valid_to"))
    if draft.total is not None and not _is_quantity(draft.total):
        faults.append(Fault("quotas.total_wrong", "total"))
    released = draft.release_on is not None and draft.valid_from <= draft.release_on <= draft.valid_to
    if (draft.unused == Unused.RELEASED) != released and (draft.unused == Unused.RELEASED or draft.release_on is not None):
        faults.append(Fault("quotas.release_wrong", "release_on"))
    return faults


def share_faults(total: Decimal, shares: Mapping[Holder, Decimal], taken: Mapping[Holder, Decimal], names: Mapping[Holder, str]) -> list[Fault]:
    """What is wrong with shares of a total: `taken` is what is ordered of each and does not come out of what was carried over."""
    faults = [Fault("quotas.total_wrong", f"shares.{names.get(who, '')}") for who, qty in shares.items() if not _is_quantity(qty)]
    if faults:
        return faults
    for who, used in taken.items():
        if shares.get(who, ZERO) < used:
            faults.append(Fault("quotas.below_taken", f"shares.{names.get(who, '')}", {"taken": used}))
    together = sum(shares.values(), ZERO)
    if together > total:
        faults.append(Fault("quotas.shares_beyond", "total", {"shares": together, "total": total}))
    return faults


def fair(total: Decimal, bought: Mapping[int, Decimal], step: Decimal) -> dict[int, Decimal]:
    """A total shared in proportion to what each bought, in whole steps (a pack), by largest remainder; ties go to the lower id."""
    whole = sum(bought.values(), ZERO)
    if whole <= 0:
        return {}
    packs = (total / step).to_integral_value(ROUND_FLOOR)
    exact = {who: packs * qty / whole for who, qty in bought.items()}
    parts = {who: share.to_integral_value(ROUND_FLOOR) for who, share in exact.items()}
    rest = int(packs - sum(parts.values(), ZERO))
    for who in sorted(exact, key=lambda one: (parts[one] - exact[one], one))[:rest]:
        parts[who] += 1
    return {who: n * step for who, n in parts.items()}


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier; the 28th where a month may be too short."""
    whole = day.year * 12 + day.month - 1 - months
    return date(whole // 12, whole % 12 + 1, min(day.day, 28))


def _is_quantity(qty: Decimal) -> bool:
    return qty.is_finite() and 0 <= qty < MOST and qty == round_to(qty, 4)
