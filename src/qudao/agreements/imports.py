"""Agreements and members of groups from files: what is there already stays as it is. So a file may come twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.agreements import actions, queries, rules
from qudao.agreements.actions import add_members, change_rule, end_rule, remove_members, set_rule
from qudao.agreements.actions.assortments import check_rule
from qudao.agreements.models import Agreement, GroupMember
from qudao.agreements.rules import AgreementDraft, Grant, RuleDraft, overlaps
from qudao.agreements.states import AgreementState, InvoiceOn
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, by_row, changed_since, differences, parted, touched_by
from qudao.catalog import queries as products
from qudao.kernel import clock
from qudao.kernel.errors import DomainError, Fault, Invalid, raise_if_any
from qudao.kernel.money import ZERO
from qudao.network import queries as network
from qudao.network.states import OrgState


class Members(Kind):
    """Who is in the groups of buyers of the actor's organisation."""

    name, label, icon, verb, place = "agreements.members", _("Members of groups"), "users", "agreements.group", "buyer_groups"
    about = _("A row puts a buyer into a group of buyers from a day on; who is in it already stays as it is.")
    model = GroupMember
    columns = (
        Column("group", _("Group"), required=True, help=_("The code of a group that exists."), example=SAMPLE, also=("grade", "客户组", "分组", "等级")),
        Column("buyer", _("Buyer"), required=True, help=_("The code of the organisation."), example="D001", also=("dealer", "code", "经销商", "客户编码")),
        Column("valid_from", pgettext_lazy("validity", "From"), "day", help=_("The first day; empty: today."), also=("start", "生效日期", "开始日期")),
        Column("valid_to", pgettext_lazy("validity", "To"), "day", help=_("The last day; empty: until taken out."), also=("end", "失效日期", "结束日期")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Three statements."""
        self.today = clock.today()
        mine = queries.groups(self.actor).filter(owner_id=self.actor.org_id, code__in={row.text("group") for row in rows})
        self.groups = {one.code: one.pk for one in mine}
        codes = {row.text("buyer").upper() for row in rows}
        self.buyers = dict(network.organisations(self.actor).filter(code__in=codes).order_by().values_list("code", "pk"))
        self.known: dict[tuple[int, int], list[GroupMember]] = {}
        for one in queries.members(self.actor).filter(group_id__in=self.groups.values(), buyer_id__in=self.buyers.values()):
            self.known.setdefault((one.group_id, one.buyer_id), []).append(one)

    def key(self, row: Cells) -> Any:
        return row.text("group"), row.text("buyer").upper()

    def entry(self, row: Cells) -> Entry:
        group, buyer = self.groups.get(row.text("group")), self.buyers.get(row.text("buyer").upper())
        first, last = row.get("valid_from", self.today), row.get("valid_to")
        faults = [] if group else [Fault("agreements.group_unknown", "group")]
        if buyer is None:
            faults.append(Fault("agreements.member_unknown", "buyer", {"code": row.text("buyer")}))
        if last is not None and last < first:
            faults.append(Fault("agreements.span_wrong", "valid_to"))
        raise_if_any(faults, Invalid)
        assert group is not None and buyer is not None
        label = f"{row.text('group')} {row.text('buyer').upper()}"
        there = next((one for one in self.known.get((group, buyer), ()) if overlaps((first, last), (one.valid_from, one.valid_to))), None)
        if there is None:
            return Entry(row.no, label, NEW, (group, buyer, first, last))
        if there.valid_to == last and (there.valid_from <= first or row.get("valid_from") is None):
            return Entry(row.no, label, SAME)
        raise Invalid("agreements.member_already", field="buyer", since=there.valid_from)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        touched = []
        for group in sorted({e.data[0] for e in entries}):
            some = [e for e in entries if e.data[0] == group]
            made = add_members(group, {e.data[1]: (e.data[2], e.data[3]) for e in some}, actor=self.actor)
            touched += [Touched(e.row, one.pk, e.label, True) for e, one in zip(some, made, strict=True)]
        return touched

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """One statement."""
        there = set(queries.members(self.actor).filter(pk__in=[one.key for one in touched]).values_list("pk", flat=True))
        return by_row(touched, lambda one: None if one.key in there else Fault("base.import_gone"))

    def take_back(self, touched: Sequence[Touched]) -> None:
        remove_members([one.key for one in touched], actor=self.actor)


#: what may change while the two trade
ALWAYS = frozenset({"min_order"})
FIELDS = ("code", "valid_from", "valid_to", "currency", "payment_days", "invoice_on", "tax_inclusive", "prepaid", "min_order")


def _facts(agreement: Agreement) -> dict[str, Any]:
    return {name: getattr(agreement, name) for name in FIELDS}


class Terms(Kind):
    """Agreements of sellers the actor acts for. What is active keeps its terms; a draft may be changed and activated."""

    name, label, icon, verb, place = "agreements.terms", _("Agreements"), "file-text", "agreements.draft", "agreements"
    about = _("A row drafts an agreement and, if it says so, activates it; a known draft gets the terms of the row.")
    model, most_at_once = Agreement, 200
    columns = (
        Column("buyer", _("Buyer"), required=True, help=_("The code of the organisation."), example=SAMPLE, also=("dealer", "经销商", "客户编码")),
        Column("seller", _("Seller"), help=_("Its code; empty: your own."), also=("supplier", "供货方")),
        Column("code", _("Code"), most=40, help=_("Of the agreement; empty: made of buyer and first day."), also=("agreement", "协议编号", "合同号")),
        Column("valid_from", pgettext_lazy("validity", "From"), "day", required=True, help=_("The first day."), example="2026-12-01", also=("开始日期",)),
        Column("valid_to", pgettext_lazy("validity", "To"), "day", help=_("The last day; empty: until ended."), also=("until", "end", "结束日期")),
        Column("currency", _("Currency"), most=3, help=_("Empty: CNY."), example="CNY", also=("币别",)),
        Column("payment_days", _("Days of payment"), "number", help=_("After the invoice; empty: 30."), example="30", also=("terms", "账期", "付款天数")),
        Column("invoice_on", _("Invoice on"), "choice", choices=InvoiceOn, help=_("Empty: on receipt."), also=("invoice", "开票时点", "开票方式")),
        Column("tax_inclusive", _("Prices include tax"), "flag", help=_("Empty: yes."), example=_("yes"), also=("tax inclusive", "含税")),
        Column("prepaid", _("Prepaid"), "flag", help=_("Empty: no. Days of payment then do not count."), also=("prepayment", "预付", "先款后货")),
        Column("min_order", _("Smallest order"), "number", help=_("Before tax; empty: as it is."), example="500", also=("minimum", "起订金额", "最低起订金额")),
        Column("everything", _("May buy everything"), "flag", help=_("Authorises all products; empty: no."), example=_("yes"), also=("authorise", "全部授权")),
        Column("activate", _("Activate"), "flag", help=_("Empty: it stays a draft."), example=_("yes"), also=("active", "激活", "生效")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Two statements, and one for each seller that is not the own organisation."""
        codes = {row.text(name).upper() for row in rows for name in ("seller", "buyer")}
        found = network.organisations(self.actor)
        self.orgs = {one.code.upper(): one for one in found.filter(code__in=codes) | found.filter(pk=self.actor.org_id)}
        self.own = next((code for code, one in self.orgs.items() if one.pk == self.actor.org_id), "")
        self.sellers = {code: one for code in {self._seller(row) for row in rows} if (one := self.orgs.get(code)) and self._acts(one.pk)}
        standing = Agreement.unscoped.filter(transfers=False, seller__in=self.sellers.values()).filter(
            Q(buyer__in=self.orgs.values()) | Q(code__in=[row.text("code") for row in rows])
        )
        self.known = {(one.seller_id, one.code): one for one in standing}
        self.active: dict[tuple[int, int, str], list[tuple[str, date, date | None]]] = {}
        for known in self.known.values():
            if known.state == AgreementState.ACTIVE:
                self.active.setdefault((known.seller_id, known.buyer_id, known.currency), []).append((known.code, known.valid_from, known.valid_to))

    def _acts(self, seller_id: int) -> bool:
        try:
            products.require_acting(self.actor, seller_id, self.verb)
        except DomainError:
            return False
        return True

    def _seller(self, row: Cells) -> str:
        return row.text("seller", self.own).upper()

    def _code(self, row: Cells) -> str:
        """The code of a row; one that is made passes over agreements that have ended."""
        made = f"{row.text('buyer').upper()}-{row.get('valid_from') or ''}"
        if row.text("code"):
            return row.text("code")
        seller = self.sellers.get(self._seller(row))
        names = (made, *(f"{made}-{n}" for n in range(2, 100)))
        standing = ((name, self.known.get((seller.pk if seller else 0, name))) for name in names)
        return next(name for name, one in standing if one is None or one.state != AgreementState.ENDED)

    def key(self, row: Cells) -> Any:
        return self._seller(row), self._code(row)

    def entry(self, row: Cells) -> Entry:
        seller, buyer, code = self.sellers.get(self._seller(row)), self.orgs.get(row.text("buyer").upper()), self._code(row)
        if seller is None or buyer is None or row.get("valid_from") is None:
            absent = [name for name, one in (("buyer", buyer), ("seller", seller)) if one is None]
            faults = [Fault("agreements.member_unknown", name, {"code": row.text(name)}) for name in absent]
            raise Invalid.of(faults or [Fault("base.import_empty", "valid_from")])
        known = self.known.get((seller.pk, code))
        days = row.get("payment_days", Decimal(30))
        terms: dict[str, Any] = {"currency": row.text("currency", "CNY"), "payment_days": int(days) if days == int(days) else -1}
        if row.get("prepaid"):
            terms |= {"prepaid": True, "payment_days": 0}
        terms |= {"invoice_on": row.get("invoice_on", InvoiceOn.RECEIPT), "tax_inclusive": row.get("tax_inclusive", True)}
        terms["min_order"] = row.get("min_order", known.min_order if known else ZERO)
        draft = AgreementDraft(seller.pk, buyer.pk, code, row.get("valid_from"), row.get("valid_to"), **terms, channel=known.channel if known else "")
        faults, label = rules.draft_faults(draft), f"{code} {buyer.name}"
        changes = differences(_facts(known), {name: getattr(draft, name) for name in FIELDS}) if known else ()
        if known and (known.state == AgreementState.ENDED or known.buyer_id != buyer.pk):
            faults.append(Fault("agreements.code_taken", "code", {"code": code}))
        elif known and known.state != AgreementState.DRAFT and (fixed := [name for name, _was, _now in changes if name not in ALWAYS]):
            faults.append(Fault("agreements.only_draft", fixed[0], {"agreement": code}))
        activate = bool(row.get("activate")) and not (known and known.state != AgreementState.DRAFT)
        faults += self._activation_faults(draft, seller, buyer) if activate else []
        raise_if_any([replace(one, field=one.field.removesuffix("_id")) for one in faults], Invalid)
        more = (bool(row.get("everything")) and known is None, activate)
        if known is None:
            return Entry(row.no, label, NEW, (draft, *more))
        changes += (("activate", False, True),) if activate else ()
        return Entry(row.no, label, CHANGED if changes else SAME, (known.pk, draft, *more, _facts(known)), changes)

    def _activation_faults(self, draft: AgreementDraft, seller: Any, buyer: Any) -> list[Fault]:
        """Why an agreement cannot come alive; one that can is in the way of those below it."""
        span, standing = (draft.valid_from, draft.valid_to), self.active.setdefault((seller.pk, buyer.pk, draft.currency), [])
        if draft.valid_to is not None and draft.valid_to < clock.today():
            return [Fault("agreements.past", "valid_to", {"agreement": draft.code, "valid_to": draft.valid_to})]
        closed = [Fault("agreements.party_closed", "", {"name": one.name}) for one in (seller, buyer) if one.state == OrgState.CLOSED]
        other = next((name for name, first, last in standing if rules.overlaps(span, (first, last))), None)
        standing.append((draft.code, *span))
        said = {"seller": seller.name, "buyer": buyer.name, "other": other}
        return closed + ([Fault("agreements.active_exists", "activate", said)] if other else [])

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        made, changed = [], {}
        for e in new:
            draft, everything, activate = e.data
            made.append(actions.draft_agreement(draft, actor=self.actor))
            if everything:
                actions.authorise(made[-1].pk, Grant(draft.valid_from), actor=self.actor)
            if activate:
                actions.activate_agreement(made[-1].pk, actor=self.actor)
        for pk, e in old.items():
            _pk, draft, _everything, activate, before = e.data
            after = _facts(self._change(pk, draft))
            changed[pk] = {name: (was, now) for name, was, now in differences(before, after)}
            if activate:
                actions.activate_agreement(pk, actor=self.actor)
        return touched_by(new, made, old, changed)

    def _change(self, pk: int, draft: AgreementDraft) -> Agreement:
        """A draft takes all terms, one that is in force what may always change."""
        if queries.agreement(self.actor, pk).state == AgreementState.DRAFT:
            return actions.change_agreement(pk, draft, actor=self.actor)
        return actions.set_min_order(pk, draft.min_order, actor=self.actor)

    def now(self, keys: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        """Those that have not ended."""
        return {one.pk: _facts(one) for one in self._standing(keys)}

    def _standing(self, keys: Sequence[int]) -> QuerySet[Agreement]:
        return queries.agreements(self.actor).filter(pk__in=keys).exclude(state=AgreementState.ENDED)

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """Nobody traded under one that is new; one that was there is still a draft."""
        old = [one.key for one in touched if not one.is_new and not set(one.before) <= ALWAYS]
        alive = {one.pk: one for one in self._standing(old) if one.state != AgreementState.DRAFT}
        fixed = {one.row: Fault("agreements.only_draft", "", {"agreement": alive[one.key].code}) for one in touched if one.key in alive}
        return super().hindered(touched) | fixed

    def take_back(self, touched: Sequence[Touched]) -> None:
        read = {column.name: column for column in self.columns}
        standing = {one.pk: one for one in self._standing([one.key for one in touched])}
        for one in touched:
            if one.is_new:
                actions.end_agreement(one.key, _now("Import undone"), actor=self.actor)
                continue
            was = {name: read[name].read(str(value))[0] if value is not None else None for name, value in one.before.items()}
            seen, facts = standing[one.key], _facts(standing[one.key]) | was
            facts["payment_days"] = int(facts["payment_days"])
            self._change(one.key, AgreementDraft(seen.seller_id, seen.buyer_id, **facts, channel=seen.channel))


class Assortments(Kind):
    """What the actor's organisation shows to which buyers. A row replaces the rule of the same whom, what and first day, so a file may come twice."""

    name, label, icon, verb, place = "agreements.assortments", _("Assortments"), "filter", "agreements.assort", "assortment_rules"
    about = _("A row shows, or hides, a product, category or brand to a buyer, a group, or a region, area, channel and tier; nothing named means all.")
    columns = (
        Column(
            "shown",
            pgettext_lazy("assortment", "Visible"),
            "flag",
            required=True,
            help=_("No: these products are hidden."),
            example=_("no"),
            also=("shown", "show", "可见"),
        ),
        Column("product", _("Product"), help=_("Its code."), example=SAMPLE, also=("SKU", "product code", "商品编码")),
        Column("category", _("Category"), help=_("Its code; with all below it."), also=("product line", "商品类别")),
        Column("brand", _("Brand"), help=_("Its code."), also=("品牌编码",)),
        Column("buyer", _("Buyer"), help=_("The code of the organisation."), example="D001", also=("dealer", "经销商", "客户编码")),
        Column("group", _("Group of buyers"), help=_("Its code."), also=("grade", "客户组", "等级")),
        Column("region", _("Region"), help=_("Its code; with all below it."), also=("大区",)),
        Column("area_code", _("Area code"), help=_("The first digits are enough: 33 is all of Zhejiang."), also=("area", "行政区划")),
        Column("channel", _("Channel"), help=_("As it stands on agreements."), also=("销售渠道",)),
        Column("tier", _("Tier"), "number", help=_("1 buys from the brand, 2 from tier 1."), also=("level", "层级")),
        Column("valid_from", pgettext_lazy("validity", "From"), "day", help=_("The first day; empty: today."), also=("start", "生效日期", "开始日期")),
        Column("valid_to", pgettext_lazy("validity", "To"), "day", help=_("The last day; empty: until ended."), also=("end", "失效日期", "结束日期")),
    )
    NAMED = ("product", "category", "brand", "buyer", "group", "region", "area_code", "channel", "tier")

    def open(self, rows: Sequence[Cells]) -> None:
        """One statement."""
        self.today = clock.today()
        mine = queries.assortment_rules(self.actor).filter(seller_id=self.actor.org_id)
        self.known = {_place(one): one for one in mine}

    def key(self, row: Cells) -> Any:
        return *(str(row.get(name) or "").upper() for name in self.NAMED), row.get("valid_from", self.today)

    def entry(self, row: Cells) -> Entry:
        named = queries.rule_typed({name: row.get(name) for name in self.NAMED}, self.actor)
        draft = RuleDraft(bool(row.get("shown")), row.get("valid_from", self.today), row.get("valid_to"), **named)
        place, label = check_rule(draft, self.actor), " ".join(str(row.get(name)) for name in self.NAMED if row.get(name)) or "*"
        known = self.known.get(tuple(place.values()))
        before = {"shown": known.shown, "valid_to": known.valid_to} if known else {}
        changes = differences(before, {"shown": draft.shown, "valid_to": draft.valid_to}) if known else ()
        return Entry(row.no, label, NEW if known is None else CHANGED if changes else SAME, (draft, before), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        touched = []
        for e in entries:
            if e.what != SAME:
                draft, before = e.data
                made = set_rule(draft, actor=self.actor)
                touched.append(Touched(e.row, made.pk, e.label, e.what == NEW, _told(**before) if before else {}, _told(made.shown, made.valid_to)))
        return touched

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The rules that are still there."""
        return {one.pk: _told(one.shown, one.valid_to) for one in queries.assortment_rules(self.actor).filter(pk__in=keys)}

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """One statement. Orders keep their lines, so nothing is built on a rule."""
        now = self.now([one.key for one in touched])
        return by_row(touched, lambda one: changed_since(one, now[one.key]) if one.key in now else Fault("base.import_gone"))

    def take_back(self, touched: Sequence[Touched]) -> None:
        for one in touched:
            if one.is_new:
                end_rule(one.key, actor=self.actor)
            else:
                last = one.before["valid_to"]
                change_rule(one.key, one.before["shown"], date.fromisoformat(last) if last else None, actor=self.actor)


def _place(rule: Any) -> tuple[Any, ...]:
    """By what a rule is known, in the order of `check_rule`."""
    return tuple(getattr(rule, name) for name in (*rules.WHOM, *rules.WHAT, "valid_from"))


def _told(shown: bool, valid_to: date | None) -> dict[str, Any]:
    """What a file changes of a rule."""
    return {"shown": shown, "valid_to": str(valid_to) if valid_to else None}


KINDS = (Terms, Members, Assortments)
