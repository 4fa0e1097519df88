"""Files of payments: what came onto the bank (domain C14), and which head office pays for a buyer. The same line of a bank comes in once only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from qudao.agreements.queries import PARTNER, Sold
from qudao.approvals.queries import unscoped_separates
from qudao.base.import_sheets import SAMPLE, Cells, Column, plain
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, by_row, changed_since
from qudao.billing.queries import invoices
from qudao.funds.queries import accounts, unscoped_accounts_of
from qudao.kernel import clock
from qudao.kernel.errors import DomainError, Fault, Invalid, Refused, raise_if_any
from qudao.kernel.quantity import plain as digits
from qudao.network.queries import Organisation, organisations
from qudao.payments import queries, rules
from qudao.payments.actions import PaymentFacts, PoolFacts, record_bank, set_payer, withdraw_payments
from qudao.payments.actions.pool import plan_shares
from qudao.payments.models import Payment, Pool
from qudao.payments.states import BOOKED, State

#: names that are compared with a payer nobody has, and how many are suggested
COMPARED, SUGGESTED = 5_000, 3
WORDS = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{3,}")
#: currencies as banks write them
SPOKEN = {"RMB": "CNY", "人民币": "CNY", "人民币元": "CNY", "美元": "USD", "欧元": "EUR", "港币": "HKD", "日元": "JPY"}
FIELD = {"reference": "reference", "paid_on": "paid_on", "amount": "amount", "note": "bank_no"}


class BankLines(Kind):
    """What came onto the account of the actor's organisation. Who paid is known by code or name, else by the invoice that the reference names.

    A line of a head office that pays for branches is one payment over their open invoices, unless it is for what the head office owes itself.
    What a row made is named in `Touched.key`: a payment, or below zero a payment of a head office.
    """

    name, label, icon, verb, place = "payments.bank", _("Bank file"), "coins", "payments.record", "payments"
    about = _("A row is money that came: it pays the invoices its reference names, else the one over this amount, else the oldest due first.")
    columns = (
        Column("paid_on", _("Day"), "day", required=True, example="2026-11-20", also=("date", "value date", "日期", "交易日期", "入账日期", "到账日期")),
        Column("amount", _("Amount"), "number", required=True, example="35000.00", also=("credit", "received", "收入金额", "贷方金额", "到账金额", "交易金额")),
        Column("payer", _("Payer"), help=_("Code or name of the buyer."), example=SAMPLE, also=("from", "buyer", "付款人", "对方户名", "付款方")),
        Column("reference", _("Reference"), help=_("What the payer wrote; may name invoices."), also=("purpose", "remittance", "摘要", "附言", "用途", "备注")),
        Column("currency", _("Currency"), most=10, help=_("Only for a buyer you trade with in several."), also=("currency", "币种", "币别")),
        Column("bank_no", _("Number of the bank"), most=80, help=_("By which the bank names the line."), also=("transaction", "流水号", "交易流水号")),
    )  # fmt: skip

    def open(self, rows: Sequence[Cells]) -> None:
        """Nine statements."""
        me, said = self.actor.org_id, {row.text("payer") for row in rows}
        wanted = Q(code__in=[one.upper() for one in said]) | Q(name__in=said) | Q(name_en__in=said)
        self.payers: dict[str, set[int]] = {}
        self.orgs = {one.pk: one for one in organisations(self.actor).filter(wanted).exclude(pk=me)}
        for one in self.orgs.values():
            for word in filter(None, (one.code, one.name, one.name_en)):
                self.payers.setdefault(plain(word), set()).add(one.pk)
        words = {word.upper() for row in rows for word in WORDS.findall(row.text("reference"))}
        named = invoices(self.actor).filter(seller_id=me, number__in=words)
        self.buyer_of = {one.number.upper(): one.buyer_id for one in named}
        self.paid_in = {one.number.upper(): one.currency for one in named}
        self.orgs |= {one.buyer_id: one.buyer for one in named}
        for kept in queries.payers_to(self.actor).filter(agreement__buyer__in=self.buyer_of.values()):
            self.orgs.setdefault(kept.payer_id, kept.payer)
        self.branches = queries.unscoped_branches(me, self.orgs)
        self.pairs = queries.unscoped_pairs([(me, pk) for pk in {*self.orgs, *(b for of in self.branches.values() for b in of)}])
        mine = queries.payments(self.actor).filter(seller_id=me, buyer__in=self.orgs, pool=None)
        pools = queries.pools(self.actor).filter(seller_id=me, payer__in=self.branches)
        days = {row.get("paid_on") for row in rows}
        self.booked: dict[tuple[Any, ...], dict[str, str]] = {}
        for payment in mine.filter(state__in=BOOKED, paid_on__in=days):
            self.booked.setdefault(self._line(payment.buyer_id, payment), {})[payment.currency] = payment.number
        for pool in pools.filter(state=State.RECEIVED, paid_on__in=days):
            self.booked.setdefault(self._line(pool.payer_id, pool), {})[pool.currency] = pool.number
        self.announced: dict[tuple[int, Decimal], list[Payment | Pool]] = {}
        for payment in mine.filter(state=State.ANNOUNCED):
            self.announced.setdefault((payment.buyer_id, payment.amount), []).append(payment)
        for pool in pools.filter(state=State.ANNOUNCED):
            self.announced.setdefault((pool.payer_id, pool.amount), []).append(pool)
        unknown = [one for one in said if one and plain(one) not in self.payers]
        self.names = self._names() if unknown else {}

    def _names(self) -> dict[str, Organisation]:
        return {plain(one.name): one for one in organisations(self.actor).exclude(pk=self.actor.org_id)[:COMPARED]}

    def _line(self, payer_id: int, one: Payment | Pool) -> tuple[Any, ...]:
        """What makes a line of the bank this line: its number there, else all that it says."""
        return (payer_id, one.paid_on, one.amount, one.note or one.reference)

    def key(self, row: Cells) -> Any:
        said = row.text("bank_no") or row.text("reference")
        return row.get("paid_on"), row.get("amount"), row.text("currency").upper(), plain(row.text("payer")), said

    def _meant(self, row: Cells) -> set[int]:
        """The buyers whose invoices the reference names."""
        return {self.buyer_of[word.upper()] for word in WORDS.findall(row.text("reference")) if word.upper() in self.buyer_of}

    def _currency(self, row: Cells) -> str:
        """In what was paid: as the row says, else as the invoices that its reference names, when they are in one; else ""."""
        named = {self.paid_in[word.upper()] for word in WORDS.findall(row.text("reference")) if word.upper() in self.paid_in}
        said = row.text("currency").upper()
        return SPOKEN.get(said, said) or (named.pop() if len(named) == 1 else "")

    def _payer(self, row: Cells) -> int:
        """Who paid; raises Invalid when nobody can be said to have: unknown, two of this name, or the reference names another's invoice."""
        said, text, meant = self.payers.get(plain(row.text("payer")), set()), row.text("payer"), self._meant(row)
        fits = {pk for pk in said if pk in meant or meant <= self.branches.get(pk, {}).keys()}
        if said and meant and not fits:
            other = ", ".join(sorted(self.orgs[pk].code for pk in meant))
            raise Invalid("payments.payer_differs", field="payer", payer=text, other=other)
        found = fits or said or meant
        if not said and len(meant) > 1:  # invoices of several branches: their head office paid
            found = {pk for pk, of in self.branches.items() if meant <= of.keys()} or meant
        if len(found) > 1:
            raise Invalid("payments.payer_unclear", field="payer", codes=", ".join(sorted(self.orgs[pk].code for pk in found)))
        if not found:
            near = get_close_matches(plain(text), list(self.names), SUGGESTED, 0.5) if text else []
            near += [name for name in self.names if text and len(plain(text)) > 1 and plain(text) in name and name not in near][:SUGGESTED]
            codes = ", ".join(f"{self.names[name].code} {self.names[name].name}" for name in near[:SUGGESTED])
            raise Invalid("payments.payer_like" if codes else "payments.payer_unknown", field="payer", payer=text, codes=codes)
        return next(iter(found))

    def entry(self, row: Cells) -> Entry:
        me, payer = self.actor.org_id, self._payer(row)
        facts = PaymentFacts(
            me, payer, row.get("amount", Decimal(0)), row.text("reference"), paid_on=row.get("paid_on"), note=row.text("bank_no"),
            currency=self._currency(row),
        )  # fmt: skip
        try:
            rules.check_facts(facts, clock.today())
        except Invalid as error:
            raise Invalid.of([Fault(one.code, FIELD.get(one.field, one.field), one.params) for one in error.faults]) from None
        waiting = self._known(facts)
        label = f"{self.orgs[payer].code} {self.orgs[payer].name}"
        if waiting:
            if waiting.recorded_by == self.actor.user_id and unscoped_separates(me):
                raise Refused("payments.duty_announced", field="amount", number=waiting.number)
            self.announced[payer, facts.amount].remove(waiting)
            return Entry(row.no, label, CHANGED, waiting, (("reference", row.text("reference"), _("announced; the money is there now")),))
        branches, named = self.branches.get(payer, {}), self._meant(row)
        own = queries.meant(self.pairs.get((me, payer), {}), facts.currency) if not branches or payer in named or not named else None
        owed = sum((debt.open for debt in own.debts), Decimal(0)) if own else Decimal(0)
        if branches and (payer not in named if named else facts.amount > owed):
            return self._pooled(row, facts, label)
        assert own is not None
        applied = rules.match(facts.amount, own.debts, facts.reference)
        self.pairs[me, payer][own.currency] = own.after(applied)
        numbers = {debt.id: debt.number for debt in own.debts}
        return Entry(row.no, label, NEW, facts, (("reference", facts.reference, _told(applied, numbers)),))

    def _known(self, facts: PaymentFacts) -> Payment | Pool | None:
        """The announced money that a line says is here. Raises Invalid for a line that was booked before, or that nobody can book."""
        payer, of = facts.buyer_id, self.pairs.get((facts.seller_id, facts.buyer_id), {})
        faults = []
        if payer not in self.branches and not (facts.currency in of if facts.currency else of):
            faults.append(Fault("payments.no_agreement_in", "currency", {"currency": facts.currency}) if of else Fault("payments.no_agreement", "payer"))
        booked = self.booked.get((payer, facts.paid_on, facts.amount, facts.note or facts.reference), {})
        if before := next((number for currency, number in booked.items() if facts.currency in ("", currency)), ""):
            faults.append(Fault("payments.booked_before", "amount", {"number": before}))
        waiting = [one for one in self.announced.get((payer, facts.amount), []) if facts.currency in ("", one.currency)]
        if len(waiting) > 1:
            faults.append(Fault("payments.announced_twice", "amount", {"numbers": ", ".join(one.number for one in waiting)}))
        raise_if_any(faults, Invalid)
        return waiting[0] if waiting else None

    def _pooled(self, row: Cells, paid: PaymentFacts, label: str) -> Entry:
        """A line of a head office, over the open invoices of its branches."""
        facts = PoolFacts(paid.seller_id, paid.buyer_id, paid.amount, paid.reference, paid_on=paid.paid_on, note=paid.note, currency=paid.currency)
        try:
            shares, _currency = plan_shares(facts, None, self.branches[facts.payer_id], self.pairs)
        except DomainError as error:
            raise Invalid.of([Fault(one.code, "payer", one.params) for one in error.faults]) from None
        told, label = [], _("{payer}, for branches").format(payer=label)
        for share in shares:
            told.append(_told(share.pays, {debt.id: debt.number for debt in share.pair.debts}))
            of = self.pairs[facts.seller_id, share.buyer_id]
            of[share.pair.currency] = of[share.pair.currency].after(share.pays)
        return Entry(row.no, label, NEW, facts, (("reference", facts.reference, ", ".join(filter(None, told))),))

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        made = record_bank(self.actor.org_id, [e.data for e in entries], actor=self.actor)
        touched = []
        for e, one in zip(entries, made, strict=True):
            label = e.label if e.what == CHANGED else f"{one.number} {e.label}"
            touched.append(Touched(e.row, -one.pk if isinstance(one, Pool) else one.pk, label, e.what == NEW))
        return touched

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """What pays an invoice stays, and what the buyer had announced; the money of prepaid orders too. Six statements."""
        payments = {one.pk: one for one in queries.payments(self.actor).filter(pk__in=[t.key for t in touched if t.key > 0])}
        pools = {-one.pk: one for one in queries.pools(self.actor).filter(pk__in=[-t.key for t in touched if t.key < 0])}
        parts: dict[int, list[Payment]] = {}
        for one in queries.payments(self.actor).filter(pool__in=[-key for key in pools]):
            parts.setdefault(-(one.pool_id or 0), []).append(one)
        held = {one.agreement_id for of in [list(payments.values()), *parts.values()] for one in of}
        uses = unscoped_accounts_of(held)
        prepaid = accounts(self.actor).filter(prepaid=True, pk__in=uses.values())
        free = {one.pk: one.unapplied - one.ordered - one.shipped - one.invoiced for one in prepaid}

        def fault(one: Touched) -> Fault | None:
            whole = payments.get(one.key) or pools.get(one.key)
            if whole is None:
                return Fault("base.import_gone")
            if not one.is_new:
                return Fault("payments.confirmed_stays", "", {"number": whole.number})
            of = parts.get(one.key, []) if isinstance(whole, Pool) else [whole]
            if found := next((fault for part in of if (fault := rules.withdraw_fault(part, whole=True))), None):
                return found
            if any(part.amount > free.get(uses[part.agreement_id], part.amount) for part in of):
                return Fault("payments.withdraw_held", "", {"number": whole.number})
            for part in of:
                if uses[part.agreement_id] in free:
                    free[uses[part.agreement_id]] -= part.amount
            return None

        return by_row(touched, fault)

    def take_back(self, touched: Sequence[Touched]) -> None:
        withdraw_payments([one.key for one in touched if one.key > 0], _now("Import undone"), [-one.key for one in touched if one.key < 0], actor=self.actor)


def _told(applied: Sequence[rules.Application], numbers: Mapping[int, str]) -> str:
    """What is paid, in words."""
    return ", ".join(f"{numbers[one.invoice_id]} {digits(one.amount)}" for one in applied)


class Payers(Kind):
    """Which head office pays what is invoiced under the agreements of the actor's organisation."""

    name, label, icon, verb, place = "payments.payers", _("Payers"), "building", "payments.set_payer", "pools"
    about = _("A row names the head office that pays for a buyer; the buyer's own code: it pays itself again.")
    columns = (
        *PARTNER,
        Column("payer", _("Who pays"), required=True, help=_("The code of an organisation above the buyer."), example="D001", also=("付款方", "总部")),
    )  # fmt: skip

    def open(self, rows: Sequence[Cells]) -> None:
        """Three statements."""
        self.orgs = {one.code.upper(): one for one in organisations(self.actor).filter(code__in={row.text("payer").upper() for row in rows})}
        self.sold = Sold(self.actor, rows)
        kept = queries.payers_to(self.actor).filter(agreement__in=self.sold.ids)
        self.kept = {one.agreement_id: one.payer for one in kept}

    def key(self, row: Cells) -> Any:
        return Sold.key(row)

    def entry(self, row: Cells) -> Entry:
        agreement, payer = self.sold.of(row), self.orgs.get(row.text("payer").upper())
        itself = payer is not None and payer.pk == agreement.buyer_id
        if payer is None or payer.pk == agreement.seller_id or (not itself and not agreement.buyer.path.startswith(payer.path)):
            raise Invalid("payments.payer_not_above", field="payer")
        was, wanted = self.kept.get(agreement.pk), None if itself else payer
        before, after = (one.code if one else "" for one in (was, wanted))
        data = (agreement.pk, wanted.pk if wanted else None, was.pk if was else None)
        label = f"{agreement.buyer.code} {agreement.code}"
        return Entry(row.no, label, SAME if before == after else CHANGED, data, () if before == after else (("payer", before, after),))

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        touched = []
        for e in entries:
            agreement_id, payer_id, was = e.data
            set_payer(agreement_id, payer_id, actor=self.actor)
            touched.append(Touched(e.row, agreement_id, e.label, False, {"payer": was}, {"payer": payer_id}))
        return touched

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Who pays now; None: the buyer itself."""
        kept = dict(queries.payers_to(self.actor).filter(agreement__in=keys).values_list("agreement_id", "payer_id"))
        return {key: {"payer": kept.get(key)} for key in keys}

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """One statement. What was paid meanwhile stays as it is."""
        now = self.now([one.key for one in touched])
        return by_row(touched, lambda one: changed_since(one, now[one.key]))

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for one in queries.payers_to(self.actor).select_related("agreement__buyer").order_by("agreement__buyer__code"):
            yield {"buyer": one.agreement.buyer.code, "agreement": one.agreement.code, "payer": one.payer.code}

    def take_back(self, touched: Sequence[Touched]) -> None:
        for one in touched:
            set_payer(one.key, one.before["payer"], actor=self.actor)


KINDS = (BankLines, Payers)
