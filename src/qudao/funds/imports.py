"""Credit limits from a file: by buyer, what a cell leaves empty stays. So a file may come twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, SAME, Entry, Kind, Touched, differences, parted, touched_by
from qudao.base.lock import Rank
from qudao.funds import queries, rules
from qudao.funds.actions import set_limits
from qudao.funds.models import Account
from qudao.funds.rules import LimitTerms
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.kernel.money import ZERO

FIELDS = ("limit_amount", "temp_limit", "temp_until", "grace_days", "tolerance", "stop_days", "watch_percent")
#: whole days and shares
WHOLE = ("grace_days", "stop_days", "watch_percent")


def _facts(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in FIELDS}


def _living(facts: dict[str, Any]) -> dict[str, Any]:
    """The same without a temporary limit whose last day is over: nobody may set such a one again."""
    over = facts["temp_until"] is not None and facts["temp_until"] < clock.today()
    return facts | {"temp_limit": ZERO, "temp_until": None} if over else facts


def _whole(value: Any) -> int | None:
    """A whole number; -1, which no rule allows, for any other."""
    return None if value is None else int(value) if value == int(value) else -1


def _terms(facts: dict[str, Any]) -> LimitTerms:
    return LimitTerms(*(facts[name] for name in FIELDS))


class Limits(Kind):
    """The limits of the accounts on which the actor's organisation gives credit."""

    name, label, icon, verb, place = "funds.limits", _("Credit limits"), "coins", "funds.set_limit", "funds"
    about = _("A row sets the limit and the patience for one buyer; an empty cell keeps what is there.")
    model, rank = Account, Rank.FUNDS
    columns = (
        Column("buyer", _("Buyer"), required=True, help=_("The code of the organisation."), example=SAMPLE, also=("dealer", "code", "经销商", "客户编码")),
        Column("agreement", _("Agreement"), help=_("Its code; only for a buyer with several agreements."), also=("contract", "协议编号")),
        Column("limit_amount", _("Limit"), "number", example="500000.00", also=("credit limit", "limit", "信用额度", "授信额度")),
        Column("temp_limit", _("Temporary limit"), "number", help=_("On top of the limit."), also=("临时信用额度",)),
        Column("temp_until", _("Temporary until"), "day", help=_("The last day it counts.")),
        Column("grace_days", _("Days of grace"), "number", help=_("So many days overdue still pass."), example="7"),
        Column("tolerance", _("Overdue tolerated"), "number", help=_("Overdue amounts up to this still pass.")),
        Column("stop_days", _("Stop after days overdue"), "number", help=_("Then nothing is shipped.")),
        Column("watch_percent", _("Watch from % of the limit"), "number", help=_("Those who decide are warned.")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """One statement."""
        buyers = {row.text("buyer").upper() for row in rows}
        self.accounts: dict[tuple[str, str], list[Account]] = {}
        for one in queries.accounts(self.actor).filter(seller_id=self.actor.org_id, buyer__code__in=buyers):
            for code in ("", one.agreement.code):
                self.accounts.setdefault((one.buyer.code, code), []).append(one)

    def key(self, row: Cells) -> Any:
        return row.text("buyer").upper(), row.text("agreement")

    def entry(self, row: Cells) -> Entry:
        found = self.accounts.get(self.key(row), [])
        live = [one for one in found if one.agreement.state == "active"] or found
        if len(live) != 1:
            raise Invalid("funds.account_unclear" if live else "funds.no_account", field="agreement" if live else "buyer")
        usual = _facts(live[0])
        facts = {name: row.get(name, usual[name]) for name in FIELDS}
        facts |= {name: _whole(facts[name]) for name in WHOLE}
        if facts["temp_limit"] == ZERO:
            facts["temp_until"] = None
        changes = differences(usual, facts)
        if changes and not row.get("temp_until"):
            facts = _living(facts)
            changes = differences(usual, facts)
        faults = rules.term_faults(_terms(facts), clock.today()) if changes else []
        faults += rules.prepaid_faults(_terms(facts)) if live[0].prepaid else []
        raise_if_any([Fault(f.code, {"limit": "limit_amount"}.get(f.field, f.field), f.params) for f in faults], Invalid)
        label = f"{live[0].buyer.code} {live[0].buyer.name}"
        return Entry(row.no, label, CHANGED if changes else SAME, (live[0].pk, _terms(facts)), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        _new, old = parted(entries)
        changed = set_limits({pk: e.data[1] for pk, e in old.items()}, _now("Import of a file"), actor=self.actor)
        return touched_by((), (), old, changed)

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        return {one.pk: _facts(one) for one in queries.accounts(self.actor).filter(pk__in=keys)}

    def take_back(self, touched: Sequence[Touched]) -> None:
        read = {column.name: column for column in self.columns}
        now = self.now([t.key for t in touched])
        for one in touched:
            now[one.key] |= {name: read[name].read(str(value))[0] if value is not None else None for name, value in one.before.items()}
            now[one.key] |= {name: _whole(now[one.key][name]) for name in WHOLE}
        set_limits({pk: _terms(_living(facts)) for pk, facts in now.items()}, _now("Import undone"), actor=self.actor)


KINDS = (Limits,)
