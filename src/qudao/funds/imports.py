"""Credit limits, limits of product lines and deposits from a file: by buyer, what a cell leaves empty stays. So a file may come twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, by_row, changed_since, differences, kept, parted, touched_by
from qudao.base.lock import Rank
from qudao.catalog.queries import categories
from qudao.funds import queries, rules
from qudao.funds.actions import ask_limit, end_shared, set_deposit, set_limits, set_line_limits, share_limit, withdraw_limit
from qudao.funds.models import Account, LimitRequest, SharedLimit, SubLimit
from qudao.funds.rules import LimitTerms, SharedDraft, Wanted
from qudao.funds.states import RequestState
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.kernel.money import ZERO
from qudao.network.queries import unscoped_cards_by_code

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


def _accounts(actor: Actor, rows: Sequence[Cells]) -> dict[tuple[str, str], list[Account]]:
    """The accounts on which the actor's organisation gives credit to the buyers of a file, by (buyer, agreement or "")."""
    mine = list(queries.accounts(actor).filter(seller_id=actor.org_id, buyer__code__in={row.text("buyer").upper() for row in rows}))
    under = queries.unscoped_agreements([one.pk for one in mine])
    found: dict[tuple[str, str], list[Account]] = {}
    for one in mine:
        one.in_force = _in_force(under.get(one.pk, ()))  # type: ignore[attr-defined]
        for code in ("", *(agreement.code for agreement in under.get(one.pk, ()))):
            found.setdefault((one.buyer.code, code), []).append(one)
    return found


def _in_force(under: Sequence[Any]) -> bool:
    """Whether somebody may order under an account."""
    return any(agreement.state == "active" for agreement in under)


def _named(accounts: dict[tuple[str, str], list[Account]], row: Cells) -> Account:
    """The one account that a row means; raises Invalid at the column that would say it."""
    found = accounts.get((row.text("buyer").upper(), row.text("agreement")), [])
    live = [one for one in found if one.in_force] or found  # type: ignore[attr-defined]
    if len(live) != 1:
        raise Invalid("funds.account_unclear" if live else "funds.no_account", field="agreement" if live else "buyer")
    return live[0]


class Limits(Kind):
    """The limits of the accounts on which the actor's organisation gives credit."""

    name, label, icon, verb, place = "funds.limits", _("Credit limits"), "coins", "funds.set_limit", "funds"
    about = _("A row sets the limit and the patience for one buyer; an empty cell keeps what is there.")
    model, rank = Account, Rank.FUNDS
    columns = (
        Column("buyer", _("Buyer"), required=True, help=_("The code of the organisation."), example=SAMPLE, also=("dealer", "code", "经销商", "客户编码")),
        Column("agreement", _("Agreement"), help=_("Its code; only for a buyer with several credit accounts."), also=("contract", "协议编号")),
        Column("limit_amount", _("Limit"), "number", example="500000.00", also=("credit limit", "limit", "信用额度", "授信额度")),
        Column("temp_limit", _("Temporary limit"), "number", help=_("On top of the limit."), also=("临时信用额度",)),
        Column("temp_until", _("Temporary until"), "day", help=_("The last day it counts.")),
        Column("grace_days", _("Days of grace"), "number", help=_("So many days overdue still pass."), example="7"),
        Column("tolerance", _("Overdue tolerated"), "number", help=_("Overdue amounts up to this still pass.")),
        Column("stop_days", _("Stop after days overdue"), "number", help=_("Then nothing is shipped.")),
        Column("watch_percent", _("Watch from % of the limit"), "number", help=_("Those who decide are warned.")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Three statements."""
        self.accounts = _accounts(self.actor, rows)

    def key(self, row: Cells) -> Any:
        return row.text("buyer").upper(), row.text("agreement")

    def entry(self, row: Cells) -> Entry:
        account = _named(self.accounts, row)
        usual = _facts(account)
        facts = {name: row.get(name, usual[name]) for name in FIELDS}
        facts |= {name: _whole(facts[name]) for name in WHOLE}
        if facts["temp_limit"] == ZERO:
            facts["temp_until"] = None
        changes = differences(usual, facts)
        if changes and not row.get("temp_until"):
            facts = _living(facts)
            changes = differences(usual, facts)
        faults = rules.term_faults(_terms(facts), clock.today()) if changes else []
        faults += rules.prepaid_faults(_terms(facts)) if account.prepaid else []
        raise_if_any([Fault(f.code, {"limit": "limit_amount"}.get(f.field, f.field), f.params) for f in faults], Invalid)
        label = f"{account.buyer.code} {account.buyer.name}"
        return Entry(row.no, label, CHANGED if changes else SAME, (account.pk, _terms(facts)), changes)

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


class LineLimits(Kind):
    """What product lines may use of the limits that the actor's organisation gives."""

    name, label, icon, verb, place = "funds.lines", _("Limits of product lines"), "list", "funds.set_limit", "funds"
    about = _("A row says how much of the limit of a buyer a product line may use; what is not named stays.")
    model, rank = SubLimit, Rank.FUNDS
    columns = (
        *Limits.columns[:2],
        Column("category", _("Product line"), required=True, help=_("The code of a category."), example="TV", also=("category", "产品线", "分类编码")),
        Column("amount", _("Limit"), "number", required=True, example="200000.00", also=("limit", "额度")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Five statements."""
        self.accounts = _accounts(self.actor, rows)
        named = categories(self.actor).filter(code__in={row.text("category") for row in rows})
        self.categories = {one.code: one.pk for one in sorted(named, key=lambda one: one.owner_id == self.actor.org_id)}
        mine = {one.pk for found in self.accounts.values() for one in found}
        self.known = {(one.account_id, one.category_id): one for one in queries.all_sublimits(self.actor).filter(account_id__in=mine)}

    def key(self, row: Cells) -> Any:
        return row.text("buyer").upper(), row.text("agreement"), row.text("category")

    def entry(self, row: Cells) -> Entry:
        account, line, amount = _named(self.accounts, row), self.categories.get(row.text("category")), row.get("amount")
        faults = [] if line else [Fault("funds.no_category", "category")]
        raise_if_any([*faults, *([] if rules.is_money(amount) else [Fault("funds.amount", "amount", {"amount": str(amount)})])], Invalid)
        assert line is not None
        label, known = f"{account.buyer.code} {row.text('category')}", self.known.get((account.pk, line))
        if known is None:
            return Entry(row.no, label, NEW, (account.pk, line, amount))
        changes = differences({"amount": known.amount}, {"amount": amount})
        return Entry(row.no, label, CHANGED if changes else SAME, (known.pk, account.pk, line, amount, known.amount), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        asked = [e.data for e in new] + [e.data[1:4] for e in old.values()]
        for account in sorted({one[0] for one in asked}):
            limits = {line: amount for pk, line, amount in asked if pk == account}
            set_line_limits(account, limits, _now("Import of a file"), actor=self.actor)
        rows = {(one.account_id, one.category_id): one for one in queries.all_sublimits(self.actor).filter(account_id__in={one[0] for one in asked})}
        changed = {pk: {"amount": (e.data[4], e.data[3])} for pk, e in old.items()}
        return touched_by(new, [rows[e.data[0], e.data[1]] for e in new], old, changed)

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        return {one.pk: {"amount": one.amount} for one in queries.all_sublimits(self.actor).filter(pk__in=keys)}

    def take_back(self, touched: Sequence[Touched]) -> None:
        rows = {one.pk: one for one in queries.all_sublimits(self.actor).filter(pk__in=[one.key for one in touched])}
        for one in touched:
            before = None if one.is_new else Decimal(str(one.before["amount"]))
            set_line_limits(rows[one.key].account_id, {rows[one.key].category_id: before}, _now("Import undone"), actor=self.actor)


class Deposits(Kind):
    """How large a deposit the buyers of the actor's organisation are to pay, and whether orders need it first."""

    name, label, icon, verb, place = "funds.deposits", _("Deposits asked for"), "coins", "funds.deposit", "funds"
    about = _("A row says how large a deposit a buyer is to pay, and whether orders pass only then; 0: none. What is held stays.")
    model, rank = Account, Rank.FUNDS
    columns = (
        *Limits.columns[:2],
        Column("deposit_required", _("Deposit"), "number", required=True, help=_("0: none."), example="50000.00", also=("amount", "保证金", "应缴保证金")),
        Column("deposit_first", _("Orders need it"), "flag", help=_("Empty: as it is."), example=_("yes"), also=("first", "下单前须缴清")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Three statements."""
        self.accounts = _accounts(self.actor, rows)

    def key(self, row: Cells) -> Any:
        return row.text("buyer").upper(), row.text("agreement")

    def entry(self, row: Cells) -> Entry:
        account = _named(self.accounts, row)
        wanted = {"deposit_required": row.get("deposit_required"), "deposit_first": row.get("deposit_first", account.deposit_first)}
        if not rules.is_money(wanted["deposit_required"]):
            raise Invalid("funds.amount", field="deposit_required", amount=str(wanted["deposit_required"]))
        changes = differences(_deposit(account), wanted)
        label = f"{account.buyer.code} {account.buyer.name}"
        return Entry(row.no, label, CHANGED if changes else SAME, (account.pk, *wanted.values()), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        _new, old = parted(entries)
        for account_id, required, first in (e.data for e in old.values()):
            set_deposit(account_id, required, first, _now("Import of a file"), actor=self.actor)
        return touched_by((), (), old, {pk: {name: (was, now) for name, was, now in e.changes} for pk, e in old.items()})

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        return {one.pk: _deposit(one) for one in queries.accounts(self.actor).filter(pk__in=keys)}

    def take_back(self, touched: Sequence[Touched]) -> None:
        now = self.now([one.key for one in touched])
        for one in touched:
            was = now[one.key] | dict(one.before)
            set_deposit(one.key, Decimal(str(was["deposit_required"])), bool(was["deposit_first"]), _now("Import undone"), actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for one, agreement in _standing(self.actor, deposit_required__gt=0):
            yield {"buyer": one.buyer.code, "agreement": agreement, **_deposit(one)}


class Requests(Kind):
    """What is asked for limits of the accounts on which the actor's organisation gives credit."""

    name, label, icon, verb, place = "funds.requests", _("Requests for credit"), "coins", "funds.ask_limit", "limit_requests"
    about = _("A row asks for another limit of a buyer, for good or up to a day; finance decides on each.")
    model, rank = LimitRequest, Rank.FUNDS
    columns = (
        *Limits.columns[:2],
        Column("limit_amount", _("Limit"), "number", help=_("Empty: it stays."), example="600000.00", also=("credit limit", "limit", "信用额度", "授信额度")),
        *Limits.columns[3:5],
        Column("reason", _("Reason"), required=True, example=_("A large project"), also=("申请原因", "原因")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Four statements."""
        self.accounts = _accounts(self.actor, rows)
        mine = {one.pk for found in self.accounts.values() for one in found}
        self.waiting = set(queries.requests(self.actor).filter(account_id__in=mine, state=RequestState.REQUESTED).values_list("account_id", flat=True))

    def key(self, row: Cells) -> Any:
        return row.text("buyer").upper(), row.text("agreement")

    def entry(self, row: Cells) -> Entry:
        account = _named(self.accounts, row)
        wanted = Wanted(row.get("limit_amount"), row.get("temp_limit", ZERO), row.get("temp_until"))
        faults = rules.wanted_faults(wanted, clock.today())
        faults += [Fault("funds.request_waits", "buyer")] if account.pk in self.waiting else []
        faults += [Fault("funds.account_prepaid_no_credit", "buyer")] if account.prepaid else []
        raise_if_any([Fault(f.code, {"limit": "limit_amount"}.get(f.field, f.field), f.params) for f in faults], Invalid)
        return Entry(row.no, f"{account.buyer.code} {account.buyer.name}", NEW, (account.pk, wanted, row.text("reason")))

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, _old = parted(entries)
        made = [ask_limit(*entry.data, actor=self.actor) for entry in new]
        return touched_by(new, made, {}, {})

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        return {one.pk: {"state": one.state} for one in queries.requests(self.actor).filter(pk__in=keys)}

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """What is decided stays. One statement."""
        now = self.now([one.key for one in touched])
        return by_row(touched, lambda one: None if now.get(one.key) == {"state": RequestState.REQUESTED} else Fault("funds.request_over"))

    def take_back(self, touched: Sequence[Touched]) -> None:
        for one in touched:
            withdraw_limit(one.key, actor=self.actor)


def _standing(actor: Actor, **which: Any) -> Iterator[tuple[Account, str]]:
    """The accounts on which the actor's organisation gives credit, each with the agreement that names it, while one is not ended."""
    found = list(queries.accounts(actor).filter(seller_id=actor.org_id, **which))
    under = queries.unscoped_agreements([one.pk for one in found])
    for one in found:
        if agreements := [agreement for agreement in under.get(one.pk, ()) if agreement.state != "ended"]:
            yield one, agreements[0].code


def _deposit(account: Account) -> dict[str, Any]:
    return {"deposit_required": account.deposit_required, "deposit_first": account.deposit_first}


class SharedLimits(Kind):
    """Who shares the limit of a head office, and how large it is."""

    name, label, icon, verb, place = "funds.shared", _("Shared limits"), "building", "funds.set_limit", "shared_limits"
    about = _("A row names somebody who shares the limit of a head office; who shares it already stays. The limit stands in any row of the head office.")
    columns = (
        Column("head", _("Head office"), required=True, help=_("The code of the organisation."), example=SAMPLE, also=("head office", "总部", "总公司")),
        Column("buyer", _("Who shares it"), required=True, help=_("The code of the head office or of one below it."), example="S001", also=("branch", "分店")),
        Column("currency", _("Currency"), most=3, help=_("Empty: CNY."), example="CNY", also=("币别",)),
        Column("limit_amount", _("Limit"), "number", help=_("Of all together; empty: as it is."), example="500000.00", also=("limit", "额度", "共享额度")),
        Column("temp_limit", _("Temporary limit"), "number", help=_("On top of the limit."), also=("临时信用额度",)),
        Column("temp_until", _("Temporary until"), "day", help=_("The last day it counts.")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Four statements."""
        self.orgs = unscoped_cards_by_code({row.text(name) for row in rows for name in ("head", "buyer")})
        self.known = self._known()
        self.having = {(one.buyer_id, one.currency): one for one in queries.all_given(self.actor) if not one.prepaid and not one.transfers}

    def _known(self) -> dict[tuple[int, str], SharedLimit]:
        return {(one.head_id, one.currency): one for one in queries.shared_limits(self.actor).filter(seller_id=self.actor.org_id)}

    def _group(self, row: Cells) -> tuple[str, str]:
        return row.text("head").upper(), row.text("currency", "CNY").upper()

    def key(self, row: Cells) -> Any:
        return *self._group(row), row.text("buyer").upper()

    def entry(self, row: Cells) -> Entry:
        code, currency = self._group(row)
        head, buyer = self.orgs.get(code), self.orgs.get(row.text("buyer").upper())
        account = self.having.get((buyer.id, currency)) if buyer else None
        if head is None or buyer is None or not buyer.path.startswith(head.path):
            raise Invalid.of([Fault("funds.shared_head", "head") if head is None else Fault("funds.shared_below", "buyer", {"name": row.text("buyer")})])
        known = self.known.get((head.id, currency))
        if account is None:
            raise Invalid("funds.shared_none", field="buyer", name=buyer.name, currency=currency)
        if account.shared_id not in (None, known.pk if known else None):
            raise Invalid("funds.shared_other", field="buyer", name=buyer.name)
        terms = LimitTerms(row.get("limit_amount", ZERO), row.get("temp_limit", ZERO), row.get("temp_until"))
        faults = [one for one in rules.term_faults(terms, clock.today()) if one.field in ("limit", *FIELDS[1:3])]
        raise_if_any([Fault(one.code, {"limit": "limit_amount"}.get(one.field, one.field), one.params) for one in faults], Invalid)
        label = f"{code} {buyer.code}"
        if known is None:
            return Entry(row.no, label, NEW, (None, head.id, currency, buyer.id, row))
        wanted = {name: row.get(name) for name in FIELDS[:3] if row.get(name) is not None}
        changes = differences({name: getattr(known, name) for name in wanted}, wanted)
        changes += () if account.shared_id else (("buyer", "", buyer.code),)
        return Entry(row.no, label, CHANGED if changes else SAME, (known.pk, head.id, currency, buyer.id, row), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        groups: dict[tuple[int, str], list[Entry]] = {}
        for e in entries:
            groups.setdefault(e.data[1:3], []).append(e)
        touched, standing = [], self._known()
        for (head, currency), rows in groups.items():
            known = standing.get((head, currency))
            before = self._facts(known) if known else {}
            said = {name: next((e.data[4].get(name) for e in rows if e.data[4].get(name) is not None), None) for name in FIELDS[:3]}
            limits: dict[str, Any] = {
                name: value if value is not None else before.get(name, None if name == "temp_until" else ZERO) for name, value in said.items()
            }
            buyers = {*before.get("buyers", ()), *(e.data[3] for e in rows)}
            draft = SharedDraft(self.actor.org_id, head, currency, sorted(buyers), *(limits[name] for name in FIELDS[:3]))
            made = share_limit(draft, _now("Import of a file"), actor=self.actor)
            after = self._facts(made)
            for e in rows[:1] if known else rows:
                changed = {name: kept(value) for name, value in after.items() if kept(value) != kept(before.get(name))}
                touched.append(Touched(e.row, made.pk, e.label, known is None, {name: kept(before.get(name)) for name in changed}, changed))
        return touched

    @staticmethod
    def _facts(one: SharedLimit) -> dict[str, Any]:
        return {name: getattr(one, name) for name in FIELDS[:3]} | {"buyers": sorted(account.buyer_id for account in queries.unscoped_members(one))}

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        return {one.pk: self._facts(one) for one in queries.shared_limits(self.actor).filter(pk__in=keys)}

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """What somebody set since stays."""
        now = self.now([one.key for one in touched])
        return by_row(touched, lambda one: changed_since(one, now[one.key]) if one.key in now else Fault("base.import_gone"))

    def take_back(self, touched: Sequence[Touched]) -> None:
        known = {one.pk: one for one in queries.shared_limits(self.actor).filter(pk__in=[t.key for t in touched])}
        for pk, one in known.items():
            row = next(t for t in touched if t.key == pk)
            if row.is_new:
                end_shared(pk, _now("Import undone"), actor=self.actor)
                continue
            read = {column.name: column for column in self.columns}
            was = self._facts(one) | {name: read[name].read(str(x))[0] if name in read and x is not None else x for name, x in row.before.items()}
            limits = [was[name] for name in FIELDS[:3]]
            share_limit(SharedDraft(one.seller_id, one.head_id, one.currency, was["buyers"], *limits), _now("Import undone"), actor=self.actor)


KINDS = (Limits, LineLimits, Deposits, Requests, SharedLimits)
