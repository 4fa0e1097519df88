"""Pages of organisations: the tree as a list, the card, its delivery addresses, and a page per verb."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.access import Actor, all_verbs, visible
from qudao.base.audit import timeline
from qudao.base.html.pages import ActionPage, Bulk, Button, DetailPage, Form, FormPage, Head, ListPage, NoFields, Panel, Skip, allowed, import_buttons
from qudao.network import actions
from qudao.network.forms import AddressForm, MoveForm, NewOrgForm, OrgForm, ReasonForm
from qudao.network.models import Address, Organisation
from qudao.network.queries import (
    address_of,
    addresses,
    directly_below,
    directly_below_on,
    former_places,
    knows_fully,
    line_above,
    line_above_on,
    organisation,
    organisations,
)
from qudao.network.rules import AddressFacts, ids_of
from qudao.network.states import OrgState
from qudao.network.tables import TONES, OrgTable, name_of

PRIVATE = ("tax_no", "area_code", "address", "phone", "email", "gs1_prefix")


class OrgList(ListPage):
    """The own branch and the line above it."""

    verb = "network.view"
    query = organisations
    table = OrgTable
    title = gettext_lazy("Organisations")

    def bulk(self) -> Sequence[Button | Bulk]:
        return [
            Bulk(
                "suspend", _("Suspend"), actions.suspend_organisation, "network.suspend", icon="ban", danger=True, form=ReasonForm,
                skips=[Skip(~Q(state=OrgState.ACTIVE), _("they are suspended or closed already"))],
                says=_("They can place and receive no new orders. What is under way goes on."),
            ),
            Bulk(
                "resume", _("Resume"), actions.resume_organisation, "network.suspend", icon="lock-open",
                skips=[Skip(~Q(state=OrgState.SUSPENDED), _("they are not suspended"))], says=_("They trade again."),
            ),
        ]  # fmt: skip

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("network.organisations", self.actor),
            Button(_("Register organisation"), reverse("organisation_new"), icon="plus", primary=True, verb="network.register", key="n"),
        ]

    def prepare(self, rows: list[Any]) -> list[Any]:
        return [row if knows_fully(self.actor, row.path) else only_name(row) for row in rows]


def only_name(org: Organisation) -> Organisation:
    """An organisation above the reader: the rest of its card is blank. Never saved."""
    for field in (*PRIVATE, "state"):
        setattr(org, field, "")
    org.parent = org.tier = org.created_at = None  # type: ignore[assignment]
    return org


def card_panel(request: HttpRequest, org: Organisation) -> Panel | None:
    """The card; nothing of it for those below."""
    if not knows_fully(request.actor, org.path):  # type: ignore[attr-defined]
        return None
    facts = [
        (_("English name"), org.name_en),
        (_("Under"), name_of(org.parent)),
        (_("Tier"), str(org.tier)),
        (_("Tax number"), org.tax_no),
        (_("Currency"), org.currency),
        (_("Area code"), org.area_code),
        (_("Address"), org.address),
        (_("Phone"), org.phone),
        (_("E-mail"), org.email),
        (_("GS1 company prefix"), org.gs1_prefix),
    ]
    return Panel(_("Card"), "parts/panel_facts.html", {"facts": facts})


def _asked_day(request: HttpRequest) -> date | None:
    """The day `on` of the address; None when it names none."""
    try:
        return date.fromisoformat(request.GET.get("on", ""))
    except ValueError:
        return None


def tree_panel(request: HttpRequest, org: Organisation) -> Panel:
    """Who stands above and directly below, as far as the reader sees them; on another day (`on`) for those who answer for it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    full = knows_fully(actor, org.path)
    on = _asked_day(request) if full else None
    found = [(one, _("above")) for one in (line_above_on(actor, org, on) if on else line_above(actor, org))]
    if full:
        found += [(one, "") for one in (directly_below_on(actor, org, on) if on else directly_below(actor, org))[:200]]
    else:  # of an organisation above, only the line down to the reader
        line = set(ids_of(actor.org_path))
        found += [(one, "") for one in directly_below(actor, org) if one.pk in line]
    items = [
        {
            "label": name_of(one),
            "url": one.get_absolute_url(),
            "state": state_of(one) if knows_fully(actor, one.path) and one.state != OrgState.ACTIVE else None,
            "facts": [fact for fact in (one.code, one.get_kind_display(), where) if fact],
        }
        for one, where in found
    ]
    context = {"items": items, "empty": _("Nobody stands above or below it."), "dated": full, "on": on, "former": former_places(actor, org) if full else []}
    return Panel(_("Above and below"), "network/panel_tree.html", context, aside=True)


def address_panel(request: HttpRequest, org: Organisation) -> Panel | None:
    """Where its goods go, for those who answer for it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not knows_fully(actor, org.path):
        return None
    keeps = actor.can("network.address")
    items = []
    for one in addresses(actor, org.pk):
        to = {name: reverse(f"address_{name}", args=[one.pk]) for name in ("change", "default", "retirement")}
        buttons = [Button(_("Change"), to["change"], icon="pencil"), Button(_("Retire"), to["retirement"], icon="x", ask=True)]
        if not one.is_default:
            buttons.insert(0, Button(_("Make default"), to["default"], icon="check", ask=True))
        facts = [one.text, *([one.recipient] if one.label else []), one.phone]
        items.append({"label": str(one), "state": (_("Default"), "done") if one.is_default else None, "facts": facts, "buttons": buttons if keeps else []})
    add = Button(_("Add address"), reverse("organisation_address_new", args=[org.pk]), icon="plus", verb="network.address")
    empty = _("No delivery address yet; goods go to the address on the card.")
    return Panel(_("Delivery addresses"), "network/panel_addresses.html", {"items": items, "empty": empty, "adds": allowed([add], actor)})


def timeline_panel(request: HttpRequest, org: Organisation) -> Panel | None:
    """What happened to it, for those who answer for it."""
    if not knows_fully(request.actor, org.path):  # type: ignore[attr-defined]
        return None
    verbs = all_verbs()
    entries = [
        {"who": line.actor_name or _("System"), "at": line.at, "what": verbs.get(line.verb, line.verb), "reason": line.reason}
        for line in timeline(actions.subject_of(org)).reverse()[:50]
    ]
    return Panel(_("What happened"), "parts/panel_timeline.html", {"entries": entries}, aside=True)


def state_of(org: Organisation) -> tuple[Any, str]:
    """The state as (word, tone)."""
    return org.get_state_display(), TONES[OrgState(org.state)]


def in_use(actor: Actor) -> QuerySet[Address]:
    """The addresses that can still be chosen."""
    return visible(actor, Address).filter(active=True)


class OrgDetail(DetailPage):
    """One organisation: its card, who stands above and below, what happened."""

    verb = "network.view"
    query = organisations
    kind = "network.organisation"
    panels = (card_panel, address_panel, tree_panel, timeline_panel)
    above = "organisations"

    def head(self, obj: Organisation) -> Head:
        full = knows_fully(self.actor, obj.path)
        return Head(obj.code, state_of(obj) if full else None, name_of(obj), facts=[obj.get_kind_display()])

    def buttons(self, obj: Organisation) -> Sequence[Button]:
        if not knows_fully(self.actor, obj.path) or obj.state == OrgState.CLOSED:
            return []
        to = {name: reverse(f"organisation_{name}", args=[obj.pk]) for name in ("change", "move", "suspension", "resumption", "closure")}
        found = [Button(_("Change"), to["change"], icon="pencil", primary=True, verb="network.change", key="e")]
        if obj.pk == self.actor.org_id:
            return found
        if obj.state == OrgState.SUSPENDED:
            found.append(Button(_("Resume"), to["resumption"], icon="lock-open", verb="network.suspend", ask=True))
        else:
            found.append(Button(_("Suspend"), to["suspension"], icon="ban", verb="network.suspend", ask=True, danger=True))
        found.append(Button(_("Move"), to["move"], icon="sitemap", verb="network.move", ask=True))
        found.append(Button(_("Close for good"), to["closure"], icon="x", verb="network.close", ask=True, danger=True))
        return found


class OrgNew(FormPage):
    """Register an organisation."""

    verb = "network.register"
    form = NewOrgForm
    title = submit = gettext_lazy("Register organisation")
    said = gettext_lazy("The organisation is registered.")
    above = "organisations"

    def initial(self, obj: Any) -> dict[str, Any]:
        return {"kind": "dealer", "currency": "CNY", "parent": self.actor.org_id}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        facts = {name: cleaned[name] for name in actions.OrgFacts.__dataclass_fields__}
        return actions.register_organisation(cleaned["kind"], actions.OrgFacts(**facts), cleaned["parent"].pk, actor=self.actor, client_id=client_id)


class OrgChange(FormPage):
    """Change the card."""

    verb = "network.change"
    form = OrgForm
    title = gettext_lazy("Change organisation")
    said = gettext_lazy("The changes are saved.")
    above = "organisation"

    def find(self, **kwargs: Any) -> Organisation:
        return organisation(self.actor, kwargs["pk"], "network.change")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.change_organisation(obj.pk, actions.OrgFacts(**cleaned), actor=self.actor, client_id=client_id)


class _Verb(ActionPage):
    """A verb on an organisation, with its reason."""

    query = organisations
    form: type[Form] = ReasonForm
    above = "organisation"


class OrgSuspend(_Verb):
    """No new business."""

    verb = "network.suspend"
    action = actions.suspend_organisation
    title = submit = gettext_lazy("Suspend")
    said = gettext_lazy("The organisation is suspended.")
    danger = True

    def says(self, obj: Organisation) -> Any:
        return _("{name} can place and receive no new orders. What is under way goes on.").format(name=name_of(obj))

    def undo(self, obj: Organisation, result: Any) -> Button:
        return Button(_("Undo"), reverse("organisation_resumption", args=[obj.pk]), verb="network.suspend")


class OrgResume(_Verb):
    """Business as before."""

    verb = "network.suspend"
    action = actions.resume_organisation
    form = NoFields
    title = submit = gettext_lazy("Resume")
    said = gettext_lazy("The organisation trades again.")

    def undo(self, obj: Organisation, result: Any) -> Button:
        return Button(_("Undo"), reverse("organisation_suspension", args=[obj.pk]), verb="network.suspend", fields={"reason": _("Undone")})


class OrgClose(_Verb):
    """The end."""

    verb = "network.close"
    action = actions.close_organisation
    title = submit = gettext_lazy("Close for good")
    said = gettext_lazy("The organisation is closed.")
    danger = True

    def says(self, obj: Organisation) -> Any:
        return _("{name} is closed for good; its people can no longer sign in for it. This cannot be undone.").format(name=name_of(obj))


class OrgMove(_Verb):
    """Another place in the tree."""

    verb = "network.move"
    form = MoveForm
    title = submit = gettext_lazy("Move")
    said = gettext_lazy("The organisation is moved with everything below it.")

    def says(self, obj: Organisation) -> Any:
        return _("{name} moves with everything below it. Agreements and prices stay as they are.").format(name=name_of(obj))

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.move_organisation(obj.pk, cleaned["parent"].pk, cleaned["reason"], actor=self.actor, client_id=client_id)


class AddressNew(FormPage):
    """Another place where goods for an organisation may go."""

    verb = "network.address"
    form = AddressForm
    title = submit = gettext_lazy("Add address")
    said = gettext_lazy("The address is added.")
    above = "organisation"

    def find(self, **kwargs: Any) -> Organisation:
        return organisation(self.actor, kwargs["pk"], "network.address")

    def initial(self, obj: Organisation) -> dict[str, Any]:
        return {"phone": obj.phone, "street": obj.address, "area_code": obj.area_code}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.add_address(obj.pk, AddressFacts(**cleaned), actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        return self.back


class AddressChange(FormPage):
    """Write an address anew; documents keep what they were sent to."""

    verb = "network.address"
    form = AddressForm
    title = gettext_lazy("Change address")
    said = gettext_lazy("The changes are saved.")

    def find(self, **kwargs: Any) -> Address:
        return address_of(self.actor, kwargs["pk"], "network.address")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.change_address(obj.pk, AddressFacts(**cleaned), actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        return reverse("organisation", args=[result.organisation_id])


class AddressDefault(ActionPage):
    """Use it where none is chosen."""

    verb = "network.address"
    query = in_use
    action = actions.make_address_default
    title = submit = gettext_lazy("Make default")
    said = gettext_lazy("New orders go to this address unless another is chosen.")

    def says(self, obj: Address) -> Any:
        return obj.line

    def done(self, result: Any) -> str:
        return reverse("organisation", args=[result.organisation_id])


class AddressRetire(AddressDefault):
    """Use it no longer."""

    action = actions.retire_address
    title = submit = gettext_lazy("Retire")
    said = gettext_lazy("The address is no longer offered.")
    danger = True

    def says(self, obj: Address) -> Any:
        return _("{name} is no longer offered. Orders that go there stay as they are.").format(name=obj)


routes = [
    path("organisations/", OrgList.as_view(), name="organisations"),
    path("organisations/new", OrgNew.as_view(), name="organisation_new"),
    path("organisations/<int:pk>/", OrgDetail.as_view(), name="organisation"),
    path("organisations/<int:pk>/change", OrgChange.as_view(), name="organisation_change"),
    path("organisations/<int:pk>/move", OrgMove.as_view(), name="organisation_move"),
    path("organisations/<int:pk>/suspension", OrgSuspend.as_view(), name="organisation_suspension"),
    path("organisations/<int:pk>/resumption", OrgResume.as_view(), name="organisation_resumption"),
    path("organisations/<int:pk>/closure", OrgClose.as_view(), name="organisation_closure"),
    path("organisations/<int:pk>/addresses/new", AddressNew.as_view(), name="organisation_address_new"),
    path("addresses/<int:pk>/change", AddressChange.as_view(), name="address_change"),
    path("addresses/<int:pk>/default", AddressDefault.as_view(), name="address_default"),
    path("addresses/<int:pk>/retirement", AddressRetire.as_view(), name="address_retirement"),
]
