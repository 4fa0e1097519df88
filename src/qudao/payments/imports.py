"""A bank's file: each line is money that came, found its payer and pays invoices by the rules (domain C14). The same line comes in once only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.import_sheets import SAMPLE, Cells, Column, plain
from qudao.base.importing import CHANGED, NEW, Entry, Kind, Touched
from qudao.billing.queries import invoices
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.kernel.quantity import plain as digits
from qudao.network.queries import Organisation, organisations
from qudao.payments import queries, rules
from qudao.payments.actions import PaymentFacts, Received, confirm_payment, record_payments
from qudao.payments.models import Payment
from qudao.payments.states import BOOKED, State

#: names that are compared with a payer nobody has, and how many are suggested
COMPARED, SUGGESTED = 5_000, 3
WORDS = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{3,}")
FIELD = {"reference": "reference", "paid_on": "paid_on", "amount": "amount", "note": "bank_no"}


class BankLines(Kind):
    """What came onto the account of the actor's organisation. Who paid is known by code or name, else by the invoice that the reference names."""

    name, label, icon, verb, place = "payments.bank", _("Bank file"), "coins", "payments.record", "payments"
    about = _("A row is money that came: it pays the invoices its reference names, else the one over this amount, else the oldest due first.")
    undoable = False  # money in the books of two companies stays there
    columns = (
        Column("paid_on", _("Day"), "day", required=True, example="2026-11-20", also=("date", "value date", "日期", "交易日期", "入账日期", "到账日期")),
        Column("amount", _("Amount"), "number", required=True, example="35000.00", also=("credit", "received", "收入金额", "贷方金额", "到账金额", "交易金额")),
        Column("payer", _("Payer"), help=_("Code or name of the buyer."), example=SAMPLE, also=("from", "buyer", "付款人", "对方户名", "付款方")),
        Column("reference", _("Reference"), help=_("What the payer wrote; may name invoices."), also=("purpose", "remittance", "摘要", "附言", "用途", "备注")),
        Column("bank_no", _("Number of the bank"), most=80, help=_("By which the bank names the line."), also=("transaction", "流水号", "交易流水号")),
    )  # fmt: skip

    def open(self, rows: Sequence[Cells]) -> None:
        """Six statements."""
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
        self.orgs |= {one.buyer_id: one.buyer for one in named}
        self.pairs = queries.unscoped_pairs([(me, pk) for pk in self.orgs])
        mine = queries.payments(self.actor).filter(seller_id=me, buyer__in=self.orgs)
        self.booked = {self._line(one): one.number for one in mine.filter(state__in=BOOKED, paid_on__in={row.get("paid_on") for row in rows})}
        self.announced: dict[tuple[int, Decimal], list[Payment]] = {}
        for waiting in mine.filter(state=State.ANNOUNCED, pool=None):
            self.announced.setdefault((waiting.buyer_id, waiting.amount), []).append(waiting)
        unknown = [one for one in said if one and plain(one) not in self.payers]
        self.names = self._names() if unknown else {}

    def _names(self) -> dict[str, Organisation]:
        return {plain(one.name): one for one in organisations(self.actor).exclude(pk=self.actor.org_id)[:COMPARED]}

    def _line(self, one: Payment) -> tuple[Any, ...]:
        """What makes a line of the bank this line: its number there, else all that it says."""
        return (one.buyer_id, one.paid_on, one.amount, one.note or one.reference)

    def key(self, row: Cells) -> Any:
        return row.get("paid_on"), row.get("amount"), plain(row.text("payer")), row.text("bank_no") or row.text("reference")

    def _payer(self, row: Cells) -> int:
        """Who paid; raises Invalid when nobody can be said to have: unknown, two of this name, or the reference names another's invoice."""
        said, text = self.payers.get(plain(row.text("payer")), set()), row.text("payer")
        meant = {self.buyer_of[word.upper()] for word in WORDS.findall(row.text("reference")) if word.upper() in self.buyer_of}
        found = said & meant or said or meant
        if said and meant and not said & meant:
            other = ", ".join(sorted(self.orgs[pk].code for pk in meant))
            raise Invalid("payments.payer_differs", field="payer", payer=text, other=other)
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
        )  # fmt: skip
        try:
            rules.check_facts(facts, clock.today())
        except Invalid as error:
            raise Invalid.of([Fault(one.code, FIELD.get(one.field, one.field), one.params) for one in error.faults]) from None
        pair, label = self.pairs.get((me, payer)), f"{self.orgs[payer].code} {self.orgs[payer].name}"
        before = self.booked.get((payer, facts.paid_on, facts.amount, facts.note or facts.reference))
        faults = [] if pair else [Fault("payments.no_agreement", "payer")]
        if before:
            faults.append(Fault("payments.booked_before", "amount", {"number": before}))
        waiting = self.announced.get((payer, facts.amount), [])
        if len(waiting) > 1:
            faults.append(Fault("payments.announced_twice", "amount", {"numbers": ", ".join(one.number for one in waiting)}))
        raise_if_any(faults, Invalid)
        assert pair is not None
        if waiting:
            return Entry(row.no, label, CHANGED, (waiting.pop().pk, None), (("reference", row.text("reference"), _("announced; the money is there now")),))
        applied = rules.match(facts.amount, pair.debts, facts.reference)
        self.pairs[me, payer] = pair.after(applied)
        numbers = {debt.id: debt.number for debt in pair.debts}
        told = ", ".join(f"{numbers[one.invoice_id]} {digits(one.amount)}" for one in applied)
        return Entry(row.no, label, NEW, (0, facts), (("reference", facts.reference, told),))

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new = [e for e in entries if e.what == NEW]
        made = record_payments([Received(e.data[1]) for e in new], actor=self.actor) if new else []
        touched = [Touched(e.row, one.pk, f"{one.number} {e.label}", True) for e, one in zip(new, made, strict=True)]
        for e in entries:
            if e.what == CHANGED:
                touched.append(Touched(e.row, confirm_payment(e.data[0], actor=self.actor).pk, e.label, False))
        return touched


KINDS = (BankLines,)
