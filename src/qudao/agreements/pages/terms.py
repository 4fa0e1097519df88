"""Pages of agreements: the list, the terms with what is authorised, and a page per verb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from qudao.agreements import actions, queries
from qudao.agreements.forms import ChannelForm, GrantForm, MinOrderForm, NewForm, ReasonForm, TermsForm
from qudao.agreements.models import Agreement, Authorisation
from qudao.agreements.rules import AgreementDraft, Grant
from qudao.agreements.states import AgreementState
from qudao.agreements.tables import TONES, AgreementTable, name_of
from qudao.base.access import Actor, all_verbs, policy_of
from qudao.base.audit import timeline
from qudao.base.html import figures
from qudao.base.html.forms import Form
from qudao.base.html.pages import ActionPage, Button, DetailPage, FormPage, Head, ListPage, NoFields, Panel, import_buttons
from qudao.kernel.money import ZERO


class AgreementList(ListPage):
    """Agreements from both sides."""

    verb = "agreements.view"
    query = queries.agreements
    table = AgreementTable
    title = gettext_lazy("Agreements")

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("agreements.terms", self.actor),
            Button(_("Groups of buyers"), reverse("buyer_groups"), icon="users", verb="agreements.group"),
            Button(_("Draft agreement"), reverse("agreement_new"), icon="plus", primary=True, verb="agreements.draft", key="n"),
        ]


def terms_panel(request: HttpRequest, agreement: Agreement) -> Panel:
    """What was agreed."""
    facts = [
        (_("Seller"), name_of(agreement.seller)),
        (_("Buyer"), name_of(agreement.buyer)),
        (_("Currency"), agreement.currency),
        (_("Channel"), agreement.channel),
        (pgettext("validity", "From"), figures.day(agreement.valid_from)),
        (pgettext("validity", "To"), figures.day(agreement.valid_to) if agreement.valid_to else _("until ended")),
        (_("Days of payment"), _("Prepaid") if agreement.prepaid else str(agreement.payment_days)),
        (_("Invoice"), agreement.get_invoice_on_display()),
        (_("Smallest order"), figures.money(agreement.min_order, agreement.currency) if agreement.min_order else ""),
        (_("Prices"), _("include tax") if agreement.tax_inclusive else _("without tax")),
    ]
    return Panel(_("Terms"), "parts/panel_facts.html", {"facts": facts})


def _may(actor: Actor, verb: str, agreement: Agreement) -> bool:
    return policy_of(Agreement).may(actor, verb, agreement)


def what(grant: Authorisation) -> str:
    """What an authorisation covers, in words."""
    if grant.product is not None:
        return f"{grant.product.code} {name_of(grant.product)}"
    return f"{grant.category.code} {name_of(grant.category)}" if grant.category is not None else _("All products")


def grants_panel(request: HttpRequest, agreement: Agreement) -> Panel:
    """What the buyer may buy; at most 200 lines."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    keeps = agreement.state != AgreementState.ENDED and _may(actor, "agreements.authorise", agreement)
    items = [
        {
            "label": what(grant),
            "state": (_("Allowed"), "done") if grant.allowed else (_("Forbidden"), "wrong"),
            "facts": [figures.day(grant.valid_from), figures.day(grant.valid_to) if grant.valid_to else _("until withdrawn")],
            "buttons": [Button(_("Withdraw"), reverse("authorisation_withdrawal", args=[grant.pk]), ask=True)] if keeps else [],
        }
        for grant in queries.authorisations(actor, agreement.pk)[:200]
    ]
    return Panel(_("Authorised"), "parts/panel_items.html", {"items": items, "empty": _("Nothing is authorised: the buyer cannot order anything.")})


def timeline_panel(request: HttpRequest, agreement: Agreement) -> Panel:
    """What happened to it."""
    verbs = all_verbs()
    entries = [
        {"who": line.actor_name or _("System"), "at": line.at, "what": verbs.get(line.verb, line.verb), "reason": line.reason}
        for line in timeline(actions.subject_of(agreement)).reverse()[:50]
    ]
    return Panel(_("What happened"), "parts/panel_timeline.html", {"entries": entries}, aside=True)


class AgreementDetail(DetailPage):
    """One agreement."""

    verb = "agreements.view"
    query = queries.agreements
    kind = "agreements.agreement"
    panels = (terms_panel, grants_panel, timeline_panel)
    above = "agreements"

    def head(self, obj: Agreement) -> Head:
        other = obj.seller if obj.buyer_id == self.actor.org_id else obj.buyer
        return Head(obj.code, (obj.get_state_display(), TONES[AgreementState(obj.state)]), name_of(other))

    def buttons(self, obj: Agreement) -> Sequence[Button]:
        if obj.state == AgreementState.ENDED or not policy_of(Agreement).may(self.actor, "agreements.view", obj):
            return []
        names = ("change", "activation", "suspension", "end", "authorisation")
        to = {name: reverse(f"agreement_{name}", args=[obj.pk]) for name in names}
        found = [Button(_("Authorise"), to["authorisation"], icon="plus", verb="agreements.authorise", ask=True)]
        if obj.state == AgreementState.ACTIVE:
            found.append(Button(_("Suspend"), to["suspension"], icon="ban", verb="agreements.suspend", ask=True, danger=True))
        else:
            found.append(Button(_("Activate"), to["activation"], icon="check", primary=True, verb="agreements.activate", ask=True))
        if obj.state == AgreementState.DRAFT:
            found.append(Button(_("Change"), to["change"], icon="pencil", verb="agreements.draft", key="e"))
        else:
            found.append(Button(_("Channel"), reverse("agreement_channel", args=[obj.pk]), icon="pencil", verb="agreements.draft", ask=True))
            found.append(Button(_("Smallest order"), reverse("agreement_minimum", args=[obj.pk]), icon="pencil", verb="agreements.draft", ask=True))
        found.append(Button(_("End for good"), to["end"], icon="x", verb="agreements.end", ask=True, danger=True))
        return [button for button in found if _may(self.actor, button.verb, obj)]


def least(cleaned: dict[str, Any]) -> dict[str, Any]:
    """The terms of a form; an empty smallest order is none."""
    return {**cleaned, "min_order": cleaned["min_order"] or ZERO}


class AgreementNew(FormPage):
    """Draft an agreement in which the own organisation sells; with a supplier that has nobody here one in which it buys."""

    verb = "agreements.draft"
    form = NewForm
    title = submit = gettext_lazy("Draft agreement")
    said = gettext_lazy("The draft is saved.")
    above = "agreements"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        partner, me = cleaned.pop("partner").pk, self.actor.org_id
        sides = (partner, me) if partner in self.actor.stands_for else (me, partner)
        draft = AgreementDraft(*sides, **least(cleaned))
        return actions.draft_agreement(draft, actor=self.actor, client_id=client_id)


class AgreementChange(FormPage):
    """Change the terms of a draft."""

    verb = "agreements.draft"
    form = TermsForm
    title = gettext_lazy("Change agreement")
    said = gettext_lazy("The changes are saved.")
    above = "agreement"

    def find(self, **kwargs: Any) -> Agreement:
        return queries.agreement(self.actor, kwargs["pk"], "agreements.draft")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        draft = AgreementDraft(obj.seller_id, obj.buyer_id, **least(cleaned))
        return actions.change_agreement(obj.pk, draft, actor=self.actor, client_id=client_id)


class _Verb(ActionPage):
    """A verb on an agreement, with its reason."""

    query = queries.agreements
    form: type[Form] = ReasonForm
    above = "agreement"


class AgreementActivation(_Verb):
    """Let the two trade."""

    verb = "agreements.activate"
    action = actions.activate_agreement
    form = NoFields
    title = submit = gettext_lazy("Activate")
    said = gettext_lazy("The agreement is active.")

    def says(self, obj: Agreement) -> Any:
        return _("{buyer} can order on these terms and sees the products.").format(buyer=name_of(obj.buyer))

    def undo(self, obj: Agreement, result: Any) -> Button | None:
        """Only a suspension comes back; a draft that is in force stays so."""
        again = Button(_("Undo"), reverse("agreement_suspension", args=[obj.pk]), verb="agreements.suspend", fields={"reason": _("Undone")})
        return again if obj.state == AgreementState.SUSPENDED else None


class AgreementSuspension(_Verb):
    """No new orders."""

    verb = "agreements.suspend"
    action = actions.suspend_agreement
    title = submit = gettext_lazy("Suspend")
    said = gettext_lazy("The agreement is suspended.")
    danger = True

    def says(self, obj: Agreement) -> Any:
        return _("{buyer} can place no new orders. What is under way goes on.").format(buyer=name_of(obj.buyer))

    def undo(self, obj: Agreement, result: Any) -> Button:
        return Button(_("Undo"), reverse("agreement_activation", args=[obj.pk]), verb="agreements.activate")


class AgreementEnd(_Verb):
    """The end."""

    verb = "agreements.end"
    action = actions.end_agreement
    title = submit = gettext_lazy("End for good")
    said = gettext_lazy("The agreement is ended.")
    danger = True

    def says(self, obj: Agreement) -> Any:
        return _("The agreement ends today for good. Open documents are worked off. This cannot be undone.")


class AgreementChannel(_Verb):
    """The mark of a channel."""

    verb = "agreements.draft"
    action = actions.set_channel
    form = ChannelForm
    title = gettext_lazy("Channel")
    said = gettext_lazy("The channel is saved.")

    def initial(self, obj: Agreement) -> dict[str, Any]:
        return {"channel": obj.channel}


class AgreementMinimum(_Verb):
    """What an order must at least come to."""

    verb = "agreements.draft"
    form = MinOrderForm
    title = gettext_lazy("Smallest order")
    said = gettext_lazy("The smallest order is saved.")

    def initial(self, obj: Agreement) -> dict[str, Any]:
        return {"min_order": obj.min_order}

    def perform(self, obj: Agreement, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.set_min_order(obj.pk, cleaned["min_order"], actor=self.actor, client_id=client_id)


class AgreementAuthorisation(_Verb):
    """Allow or forbid products."""

    verb = "agreements.authorise"
    form = GrantForm
    title = submit = gettext_lazy("Authorise")
    said = gettext_lazy("The authorisation is saved.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        grant = Grant(product_id=cleaned.pop("product_code"), **cleaned)
        actions.authorise(obj.pk, grant, actor=self.actor, client_id=client_id)
        return obj


class AuthorisationWithdrawal(ActionPage):
    """End an authorisation with yesterday."""

    verb = "agreements.authorise"
    query = queries.all_authorisations
    action = actions.withdraw_authorisation
    form = ReasonForm
    title = submit = gettext_lazy("Withdraw authorisation")
    said = gettext_lazy("The authorisation is withdrawn.")
    danger = True


routes = [
    path("agreements/", AgreementList.as_view(), name="agreements"),
    path("agreements/new", AgreementNew.as_view(), name="agreement_new"),
    path("agreements/<int:pk>/", AgreementDetail.as_view(), name="agreement"),
    path("agreements/<int:pk>/change", AgreementChange.as_view(), name="agreement_change"),
    path("agreements/<int:pk>/minimum", AgreementMinimum.as_view(), name="agreement_minimum"),
    path("agreements/<int:pk>/channel", AgreementChannel.as_view(), name="agreement_channel"),
    path("agreements/<int:pk>/activation", AgreementActivation.as_view(), name="agreement_activation"),
    path("agreements/<int:pk>/suspension", AgreementSuspension.as_view(), name="agreement_suspension"),
    path("agreements/<int:pk>/end", AgreementEnd.as_view(), name="agreement_end"),
    path("agreements/<int:pk>/authorisations", AgreementAuthorisation.as_view(), name="agreement_authorisation"),
    path("authorisations/<int:pk>/withdrawal", AuthorisationWithdrawal.as_view(), name="authorisation_withdrawal"),
]
