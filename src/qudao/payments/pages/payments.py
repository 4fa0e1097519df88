"""Pages of payments: the list of both sides, recording, announcing, confirming, applying, and panels for orders and invoices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, cast
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.access import Actor, sees_prices
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Bulk, Button, DetailPage, FormPage, Head, LineEditor, ListPage, Panel, Skip, import_buttons
from qudao.billing.queries import Invoice
from qudao.fulfilment.pages import life_panel, link
from qudao.kernel.errors import DomainError, Forbidden, Invalid, NotFound
from qudao.payments import actions, queries
from qudao.payments.actions import PaymentFacts
from qudao.payments.forms import AnnounceForm, ReasonForm, RecordForm, apply_editor, chosen_for, chosen_of, meant_for
from qudao.payments.models import Application, Payment
from qudao.payments.pages import credits, differences
from qudao.payments.pages.withdraw import withdrawing
from qudao.payments.states import CREDITED, DONE, UNAPPLIED, How, Method, State
from qudao.payments.tables import MadeTable, PaymentTable, badge_of, name_of


def received(actor: Actor) -> QuerySet[Payment]:
    """What the own organisation receives."""
    return queries.payments(actor, side="seller")


def made(actor: Actor) -> QuerySet[Payment]:
    """What the own organisation pays."""
    return queries.payments(actor, side="buyer")


class PaymentList(ListPage):
    """Payments in sight."""

    verb = "payments.view"
    query: ClassVar[Callable[[Actor], QuerySet]] = queries.payments
    table = PaymentTable
    title = gettext_lazy("Payments")

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("payments.bank", self.actor),
            Button(_("Payments for branches"), reverse("pools"), icon="building", verb="payments.view"),
            Button(_("Small differences"), reverse("small_differences"), icon="coins", verb="payments.write_off"),
            Button(_("Announce a payment"), reverse("payment_announcement"), icon="send", verb="payments.announce"),
            Button(_("Record a payment"), reverse("payment_new"), icon="plus", primary=True, verb="payments.record", key="n"),
        ]

    def bulk(self) -> Sequence[Button | Bulk]:
        return [
            Bulk(
                "confirm", _("Confirm"), actions.confirm_payment, "payments.record", icon="check", primary=True,
                skips=[Skip(~Q(state=State.ANNOUNCED, pool=None), _("they are confirmed or declined already, or with their whole"))],
                says=_("The money is booked as received and pays the invoices it was announced for, else the oldest ones."),
            ),
            Bulk(
                "difference", _("Close small rests"), actions.close_over, "payments.write_off", icon="coins",
                skips=[Skip(~Q(state__in=UNAPPLIED), _("nothing of them is left"))],
                says=_("What is left goes to the account of small differences in both books; more than the limit is refused."),
            ),
        ]  # fmt: skip

    def prepare(self, rows: list[Any]) -> list[Any]:
        for row in rows:
            clear = sees_prices(self.actor, row.seller_id, row.buyer_id)
            row.shown_amount, row.shown_left = (row.amount, row.left) if clear else (None, None)
        return rows


class ReceivedList(PaymentList):
    """What the own organisation receives."""

    query = received
    title = gettext_lazy("Payments received")


class MadeList(PaymentList):
    """What the own organisation pays."""

    query = made
    table = MadeTable
    title = gettext_lazy("Payments made")


def payment_list(request: HttpRequest) -> HttpResponse:
    """The list of the side asked for in the address (`side=sell`, `side=buy`), else of everything in sight."""
    page = {"sell": ReceivedList, "buy": MadeList}.get(request.GET.get("side", ""), PaymentList)
    return page.as_view()(request)  # type: ignore[return-value]


def applied_panel(request: HttpRequest, payment: Payment) -> Panel:
    """What the payment pays."""
    clear = sees_prices(request.actor, payment.seller_id, payment.buyer_id)  # type: ignore[attr-defined]
    actor: Actor = request.actor  # type: ignore[attr-defined]
    items: list[dict[str, Any]] = []
    for a in queries.applications_of(payment):
        end = figures.money(a.amount, payment.currency) if clear else ""
        if a.invoice is None:
            label, facts = _taken_back(a), [a.note, figures.moment(a.at)]
            items.append({"label": label, "facts": [f for f in facts if f], "end": end, "buttons": differences.undo_of(actor, a, payment.seller_id)})
        else:
            facts = [*_left_of(a.invoice, clear), str(How(a.how).label), figures.moment(a.at)]
            items.append({"label": a.invoice.number, "url": reverse("invoice", args=[a.invoice_id]), "facts": facts, "end": end})
    if clear and payment.left and payment.state in UNAPPLIED:
        items.append({"label": _("Not applied yet"), "end": figures.money(payment.left, payment.currency)})
    return Panel(_("What it pays"), "parts/panel_items.html", {"items": items, "empty": _("Nothing is paid with it yet.")})


def _taken_back(a: Application) -> Any:
    """What an application that stands alone is called."""
    return _("Small difference taken back") if a.reverses_id else How(a.how).label


def _left_of(invoice: Invoice, clear: bool) -> list[str]:
    """Whether the invoice is paid now, or what is still open of it."""
    if not invoice.open:
        return [_("paid in full")]
    return [_("{amount} still open").format(amount=figures.money(invoice.open, invoice.currency))] if clear else []


def facts_panel(request: HttpRequest, payment: Payment) -> Panel:
    """Sides and how the money came."""
    facts = [
        (_("Seller"), name_of(payment.seller)),
        (_("Buyer"), name_of(payment.buyer)),
        *_head_office(request.actor, payment),  # type: ignore[attr-defined]
        (_("Issued on") if payment.is_credit else _("Paid on"), figures.day_long(payment.paid_on)),
        (_("Method"), Method(payment.method).label),
        *(credits.facts_of(request.actor, payment) if payment.is_credit else [(_("Reference"), payment.reference)]),  # type: ignore[attr-defined]
        (_("Note"), payment.note),
    ]
    return Panel(_("Sides and money"), "parts/panel_facts.html", {"facts": facts}, aside=True)


def _head_office(actor: Actor, payment: Payment) -> list[tuple[str, Any]]:
    """Who paid for the buyer, with the way to the whole for those who see it."""
    pool = payment.pool
    if pool is None:
        return []
    whole = queries.pools(actor).filter(pk=pool.pk).exists()
    return [(_("Paid by"), name_of(pool.payer)), *([(_("Whole payment"), link(pool.number, reverse("pool", args=[pool.pk])))] if whole else [])]


def timeline_panel(request: HttpRequest, payment: Payment) -> Panel:
    """Who did what when."""
    return life_panel(payment.subject, CREDITED if payment.is_credit else DONE)


class PaymentDetail(DetailPage):
    """One payment with what it pays."""

    verb = "payments.view"
    query = queries.payments
    kind = "payments.payment"
    panels = (credits.lines_panel, applied_panel, facts_panel, timeline_panel)
    above = "payments"

    def head(self, obj: Payment) -> Head:
        receiving = self.actor.org_id == obj.seller_id
        clear = sees_prices(self.actor, obj.seller_id, obj.buyer_id)
        facts = [figures.money(obj.amount, obj.currency)] if clear else []
        return Head(obj.number, badge_of(obj), name_of(obj.buyer if receiving else obj.seller), facts=facts)

    def buttons(self, obj: Payment) -> Sequence[Button]:
        if not self.actor.acts_as(obj.seller_id):
            return []
        found = []
        if obj.state == State.ANNOUNCED and not obj.pool_id:
            found += [
                Button(_("The money is here"), reverse("payment_confirmation", args=[obj.pk]), "check", primary=True, verb="payments.record", ask=True),
                Button(_("Not received"), reverse("payment_refusal", args=[obj.pk]), "x", verb="payments.record", danger=True, ask=True),
            ]
        if obj.state in UNAPPLIED:
            found.append(Button(_("Apply to invoices"), reverse("payment_applications", args=[obj.pk]), "checks", primary=True, verb="payments.apply"))
        return found + differences.ways_with(self.actor, obj) + withdrawing(obj)


class PaymentNew(FormPage):
    """Money the own organisation received."""

    verb = "payments.record"
    form = RecordForm
    keeps = True
    title = submit = gettext_lazy("Record a payment")
    said = gettext_lazy("The payment is recorded.")
    above = "payments"

    def sides(self, partner: int) -> tuple[int, int]:
        """(seller, buyer) of a payment with a partner."""
        return self.actor.org_id, partner

    def initial(self, obj: Any) -> dict[str, Any]:
        """What was chosen on the account page: the open invoices of one partner."""
        partner, chosen = self.request.GET.get("partner", ""), [int(x) for x in self.request.GET.getlist("invoice") if x.isdigit()]
        if not partner.isdigit() or not chosen:
            return {}
        for currency, debts in queries.open_invoices(self.actor, *self.sides(int(partner))).items():
            if found := meant_for(debts, chosen):
                return {**found, "currency": currency}
        return {}

    def meant(self, partner: int, cleaned: dict[str, Any]) -> list[tuple[int, Decimal]] | None:
        """What of the chosen invoices is paid; they say the currency where nobody did."""
        invoices = cleaned.pop("invoices")
        for currency, debts in queries.open_invoices(self.actor, *self.sides(partner), cleaned.get("currency", "")).items() if invoices else ():
            if chosen := chosen_for(debts, invoices, cleaned["amount"]):
                cleaned["currency"] = currency
                return chosen
        return None

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        applications: Any = None if cleaned.pop("apply") else ()
        partner = cleaned.pop("partner")
        chosen = self.meant(partner, cleaned)
        applications = chosen if applications is None else applications
        facts = PaymentFacts(self.actor.org_id, partner, **cleaned)
        return actions.record_payment(facts, applications, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def done(self, result: Payment) -> str:
        return reverse("payment", args=[result.pk])


class PaymentAnnounce(PaymentNew):
    """Money the own organisation has sent."""

    verb = "payments.announce"
    form = AnnounceForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Announce a payment")
    said = gettext_lazy("The seller is told.")

    def initial(self, obj: Any) -> dict[str, Any]:
        if self.request.GET.get("partner", "").isdigit() and int(self.request.GET["partner"]) in self.actor.stands_for:
            self.title = self.submit = gettext_lazy("Record what we paid")
        return super().initial(obj)

    def sides(self, partner: int) -> tuple[int, int]:
        return partner, self.actor.org_id

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        partner = cleaned.pop("partner")
        chosen = self.meant(partner, cleaned)
        if partner in self.actor.stands_for:  # nobody there would confirm it: what the own organisation paid is recorded
            self.said = gettext_lazy("The payment is recorded.")
            facts = PaymentFacts(partner, self.actor.org_id, **cleaned)
            return actions.record_payment(facts, chosen, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]
        # the reference names the invoices: the seller decides when the money is there
        return actions.announce_payment(PaymentFacts(partner, self.actor.org_id, **cleaned), actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class _Verb(ActionPage):
    """A verb on a payment."""

    query = queries.payments
    above = "payment"

    def done(self, result: Any) -> str:
        return reverse("payment", args=[result.pk])


class Confirm(_Verb):
    verb = "payments.record"
    title = submit = gettext_lazy("The money is here")
    said = gettext_lazy("The payment is booked.")

    def says(self, obj: Payment) -> Any:
        return _("Books the payment as received today and applies it: what its reference names, the only exact amount, then the oldest due.")

    def perform(self, obj: Payment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.confirm_payment(obj.pk, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class Decline(_Verb):
    verb = "payments.record"
    form = ReasonForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Not received")
    said = gettext_lazy("The buyer is told.")
    danger = True

    def says(self, obj: Payment) -> Any:
        return _("The buyer reads the reason. Nothing is booked.")

    def perform(self, obj: Payment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.decline_payment(obj.pk, cleaned["reason"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class Apply(_Verb):
    """A row for each open invoice, filled with what the rules suggest."""

    verb = "payments.apply"
    title = submit = gettext_lazy("Apply to invoices")
    said = gettext_lazy("The payment is applied.")
    template = "payments/apply.html"
    editor: LineEditor

    def find(self, **kwargs: Any) -> Payment:
        payment: Payment = super().find(**kwargs)
        debts = queries.open_invoices(self.actor, payment.seller_id, payment.buyer_id, payment.currency).get(payment.currency, [])
        data = self.request.POST if self.request.method == "POST" else None
        self.editor = apply_editor(debts, payment.left, payment.reference, data)
        clear = sees_prices(self.actor, payment.seller_id, payment.buyer_id)
        left = _("{amount} left to apply").format(amount=figures.money(payment.left, payment.currency)) if clear else ""
        self.told = f"{payment.number} · {left}" if left else payment.number
        return payment

    def says(self, obj: Payment) -> Any:
        return _("Filled with what the rules suggest. What you do not apply stays for later.")

    def perform(self, obj: Payment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        if self.editor.lines and not self.editor.is_valid():
            raise Invalid("payments.amount")
        chosen = chosen_of(self.editor)
        if not chosen:
            raise Invalid("payments.nothing_to_apply")
        try:
            return actions.apply_payment(obj.pk, chosen, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]
        except (Forbidden, NotFound):
            raise
        except DomainError as error:
            self.editor.refuse(error)
            raise

    def show(self, template: str, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
        return super().show(template, {**context, "editor": self.editor}, status)


def _items(found: Sequence[Application], actor: Actor) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for a in found:
        p, invoice = a.payment, cast("Invoice", a.invoice)
        if p is None:
            clear = sees_prices(actor, invoice.seller_id, invoice.buyer_id)
            end = figures.money(a.amount, invoice.currency) if clear else ""
            facts = [one for one in (a.note, invoice.number, figures.moment(a.at)) if one]
            items.append({"label": _taken_back(a), "facts": facts, "end": end, "buttons": differences.undo_of(actor, a, invoice.seller_id)})
            continue
        clear = sees_prices(actor, p.seller_id, p.buyer_id)
        facts = [figures.day(p.paid_on), str(Method(p.method).label) if p.is_credit else p.reference, invoice.number]
        facts = list(dict.fromkeys(facts))  # a reference is often the invoice's own number
        end = figures.money(a.amount, p.currency) if clear else ""
        items.append({"label": p.number, "url": reverse("payment", args=[p.pk]), "facts": [f for f in facts if f], "end": end})
    return items


def order_panel(request: HttpRequest, order: Any) -> Panel | None:
    """What was paid of the invoices of an order."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.can("payments.view"):
        return None
    items = _items(list(queries.applications_to_order(actor, order.pk)), actor)
    return Panel(_("Payments"), "parts/panel_items.html", {"items": items}, half=True) if items else None


def _ways_to_pay(actor: Actor, invoice: Any) -> list[dict[str, Any]]:
    """What either side does about an open invoice: the seller books its money, the buyer says that it is on its way."""
    sides = {
        invoice.seller_id: (_("Record the payment"), "payment_new", invoice.buyer_id, "cash", "payments.record"),
        invoice.buyer_id: (_("Announce the payment"), "payment_announcement", invoice.seller_id, "send", "payments.announce"),
    }
    if invoice.seller_id in actor.stands_for:
        sides[invoice.buyer_id] = (_("Record what we paid"), "payment_announcement", invoice.seller_id, "cash", "payments.record")
    way = sides.get(actor.org_id)
    if not way or not invoice.open or not actor.can(way[4]):
        return []
    label, name, partner, icon, _verb = way
    url = f"{reverse(name)}?partner={partner}&invoice={invoice.pk}"
    return [{"label": _("Still to pay"), "end": figures.money(invoice.open, invoice.currency), "buttons": [Button(label, url, icon)]}]


def invoice_panel(request: HttpRequest, invoice: Any) -> Panel | None:
    """What was paid of an invoice."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.can("payments.view"):
        return None
    items = _items(list(queries.applications_to_invoice(actor, invoice.pk)), actor)
    items += [*_ways_to_pay(actor, invoice), *differences.closing_of(actor, invoice), *credits.left_of_invoice(actor, invoice)]
    return Panel(_("Payments and credit notes"), "parts/panel_items.html", {"items": items, "empty": _("Nothing is paid yet.")})
