"""Head offices that pay for their branches: who does (on the agreement), what they have to pay, one payment with its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from qudao.agreements.queries import agreements
from qudao.base.access import Actor, sees_prices
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, FormPage, Head, ListPage, Panel, import_buttons
from qudao.fulfilment.pages import life_panel
from qudao.payments import actions, queries
from qudao.payments.actions import PoolFacts
from qudao.payments.forms import PayerForm, PoolAnnounceForm, PoolForm, ReasonForm
from qudao.payments.models import Pool
from qudao.payments.pages.withdraw import withdrawing_pool
from qudao.payments.states import DONE, Method, State
from qudao.payments.tables import BranchInvoiceTable, PoolTable, badge_of, name_of


def agreement_panel(request: HttpRequest, agreement: Any) -> Panel | None:
    """On an agreement: who pays, for both sides. Named in `qudao.web.panels`."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.org_id not in (agreement.seller_id, agreement.buyer_id) or not actor.can("payments.view"):
        return None
    kept, mine = queries.payer_of(actor, agreement.pk), actor.org_id == agreement.seller_id
    change = Button(_("Change"), reverse("agreement_payer", args=[agreement.pk]), icon="pencil", ask=True)
    item = {"label": name_of(kept.payer) if kept else _("The buyer itself"), "buttons": [change] if mine and actor.can("payments.set_payer") else []}
    return Panel(_("Who pays"), "parts/panel_items.html", {"items": [item]}, aside=True)


class AgreementPayer(ActionPage):
    """Who pays what is invoiced under an agreement."""

    verb = "payments.set_payer"
    query = agreements
    form = PayerForm  # type: ignore[assignment]
    title = gettext_lazy("Who pays")
    submit = gettext_lazy("Save")
    said = gettext_lazy("Saved.")
    above = "agreement"

    def initial(self, obj: Any) -> dict[str, Any]:
        kept = queries.payer_of(self.actor, obj.pk)
        return {"payer": kept.payer_id} if kept else {}

    def says(self, obj: Any) -> Any:
        return _("The head office sees the open invoices of {buyer} and can pay them together with those of its other branches.").format(
            buyer=name_of(obj.buyer)
        )

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.set_payer(obj.pk, cleaned["payer"], actor=self.actor)

    def done(self, result: Any) -> str:
        return self.back


class BranchInvoices(ListPage):
    """What the own organisation has to pay for its branches."""

    verb = "payments.view"
    query = queries.branch_invoices
    table = BranchInvoiceTable
    title = gettext_lazy("To pay for branches")

    def buttons(self) -> Sequence[Button]:
        return [Button(_("Announce a payment"), reverse("pool_announcement"), icon="send", primary=True, verb="payments.announce", key="n")]

    def prepare(self, rows: list[Any]) -> list[Any]:
        for row in rows:
            row.shown_gross, row.shown_open = row.gross, row.open
        return rows


class PoolList(ListPage):
    """Payments of head offices in sight."""

    verb = "payments.view"
    query = queries.pools
    table = PoolTable
    title = gettext_lazy("Payments for branches")

    def buttons(self) -> Sequence[Button]:
        return [
            *(replace(one, label=_("Import payers")) for one in import_buttons("payments.payers", self.actor)),
            Button(_("To pay for branches"), reverse("branch_invoices"), icon="file-invoice", verb="payments.view"),
            Button(_("Announce a payment"), reverse("pool_announcement"), icon="send", verb="payments.announce"),
            Button(_("Record a payment"), reverse("pool_new"), icon="plus", primary=True, verb="payments.record", key="n"),
        ]

    def prepare(self, rows: list[Any]) -> list[Any]:
        for row in rows:
            row.shown_amount = row.amount if sees_prices(self.actor, row.seller_id, row.payer_id) else None
        return rows


def parts_panel(request: HttpRequest, pool: Pool) -> Panel:
    """The part of each branch; a link for those who see that payment."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    clear = sees_prices(actor, pool.seller_id, pool.payer_id)
    parts = list(queries.parts_of(pool))
    seen = set(queries.payments(actor).filter(pool=pool).values_list("pk", flat=True))
    items: list[dict[str, Any]] = []
    for part in parts:
        left = [_("{amount} not applied").format(amount=figures.money(part.left, part.currency))] if clear and part.left and part.applied else []
        item = {"label": f"{name_of(part.buyer)} {part.number}", "state": badge_of(part), "facts": [part.reference, *left]}
        item |= {"end": figures.money(part.amount, part.currency) if clear else ""}
        items.append(item | ({"url": reverse("payment", args=[part.pk])} if part.pk in seen else {}))
    return Panel(_("Branches"), "parts/panel_items.html", {"items": items}, note=ngettext("{n} branch", "{n} branches", len(items)).format(n=len(items)))


def facts_panel(request: HttpRequest, pool: Any) -> Panel:
    """Sides and how the money came."""
    facts = [
        (_("Seller"), name_of(pool.seller)),
        (_("Paid by"), name_of(pool.payer)),
        (_("Paid on"), figures.day_long(pool.paid_on)),
        (_("Method"), Method(pool.method).label),
        (_("Reference"), pool.reference),
        (_("Note"), pool.note),
    ]
    return Panel(_("Sides and money"), "parts/panel_facts.html", {"facts": facts}, aside=True)


def timeline_panel(request: HttpRequest, pool: Pool) -> Panel:
    """Who did what when."""
    return life_panel(pool.subject, DONE)


class PoolDetail(DetailPage):
    """One payment of a head office with the part of each branch."""

    verb = "payments.view"
    query = queries.pools
    kind = "payments.pool"
    panels = (parts_panel, facts_panel, timeline_panel)
    above = "pools"

    def head(self, obj: Any) -> Head:
        clear = sees_prices(self.actor, obj.seller_id, obj.payer_id)
        other = obj.payer if self.actor.org_id == obj.seller_id else obj.seller
        word, tone = badge_of(obj)
        state = (pgettext("payment", "Received"), "done") if obj.state == State.RECEIVED else (word, tone)
        return Head(obj.number, state, name_of(other), facts=[figures.money(obj.amount, obj.currency)] if clear else [])

    def buttons(self, obj: Pool) -> Sequence[Button]:
        if not self.actor.acts_as(obj.seller_id):
            return []
        if obj.state != State.ANNOUNCED:
            return withdrawing_pool(obj, list(queries.parts_of(obj)))
        return [
            Button(_("The money is here"), reverse("pool_confirmation", args=[obj.pk]), "check", primary=True, verb="payments.record", ask=True),
            Button(_("Not received"), reverse("pool_refusal", args=[obj.pk]), "x", verb="payments.record", danger=True, ask=True),
        ]


class PoolNew(FormPage):
    """One payment that the own organisation received for several branches."""

    verb = "payments.record"
    form = PoolForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Record a payment for branches")
    said = gettext_lazy("The payment is recorded.")
    above = "pools"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.record_pool(self.facts(self.actor.org_id, cleaned.pop("partner"), cleaned), actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def facts(self, seller: int, payer: int, cleaned: dict[str, Any]) -> PoolFacts:
        """What the form says."""
        return PoolFacts(seller, payer, rest_buyer_id=cleaned.pop("rest"), **cleaned)

    def done(self, result: Pool) -> str:
        return reverse("pool", args=[result.pk])


class PoolAnnounce(PoolNew):
    """One payment that the own organisation has sent for its branches."""

    verb = "payments.announce"
    form = PoolAnnounceForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Announce a payment for branches")
    said = gettext_lazy("The seller is told.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        facts = self.facts(cleaned.pop("partner"), self.actor.org_id, cleaned)
        return actions.announce_pool(facts, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class _Verb(ActionPage):
    """A verb on the whole payment."""

    verb = "payments.record"
    query = queries.pools
    above = "pool"

    def done(self, result: Any) -> str:
        return reverse("pool", args=[result.pk])


class PoolConfirm(_Verb):
    title = submit = gettext_lazy("The money is here")
    said = gettext_lazy("The payment is booked.")

    def says(self, obj: Pool) -> Any:
        return _("Books the parts of all branches as received today; each pays the invoices it was announced for.")

    def perform(self, obj: Pool, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.confirm_pool(obj.pk, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class PoolDecline(_Verb):
    form = ReasonForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Not received")
    said = gettext_lazy("The payer is told.")
    danger = True

    def says(self, obj: Pool) -> Any:
        return _("The payer reads the reason. Nothing is booked.")

    def perform(self, obj: Pool, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.decline_pool(obj.pk, cleaned["reason"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


routes = [
    path("agreements/<int:pk>/payer", AgreementPayer.as_view(), name="agreement_payer"),
    path("branch-invoices/", BranchInvoices.as_view(), name="branch_invoices"),
    path("pooled-payments/", PoolList.as_view(), name="pools"),
    path("pooled-payments/new", PoolNew.as_view(), name="pool_new"),
    path("pooled-payments/announcement", PoolAnnounce.as_view(), name="pool_announcement"),
    path("pooled-payments/<int:pk>/", PoolDetail.as_view(), name="pool"),
    path("pooled-payments/<int:pk>/confirmation", PoolConfirm.as_view(), name="pool_confirmation"),
    path("pooled-payments/<int:pk>/refusal", PoolDecline.as_view(), name="pool_refusal"),
]
