"""Packing: what is picked goes into parcels, all at once or one by one, until it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import Button, LineEditor, Panel
from qudao.base.html.tables import join
from qudao.fulfilment import actions, queries
from qudao.fulfilment.forms import PackForm, ParcelForm, inside_of, parcel_editor
from qudao.fulfilment.models import Package, Shipment
from qudao.fulfilment.pages.verbs import LinesVerb, Verb
from qudao.fulfilment.prints import PARCEL_LABEL, lot_of
from qudao.fulfilment.states import State
from qudao.fulfilment.tables import name_of
from qudao.inventory.rules import LotQty
from qudao.kernel.errors import Forbidden, Invalid


def packs(actor: Actor, shipment: Shipment) -> bool:
    """Whether the actor can put goods of this shipment into parcels now."""
    return actor.org_id == shipment.seller_id and shipment.state == State.PICKING and actor.can("fulfilment.pack")


def parcels_panel(request: HttpRequest, shipment: Shipment) -> Panel | None:
    """The parcels of a shipment with what is in each, for both sides; who packs it changes them here."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.unscoped_packages([shipment.pk]).get(shipment.pk, [])
    mine = packs(actor, shipment)
    if not (found or mine):
        return None
    items: list[dict[str, Any]] = [{"label": _told(p), "facts": [p.sscc, *_inside(p), *_came(p)], "buttons": _buttons(p, actor, mine)} for p in found]
    if mine:
        items.append(_rest(shipment, bool(found), actor))
    weight = sum((p.weight or Decimal(0) for p in found), Decimal(0))
    note = join(figures.count(len(found)), _("{weight} kg").format(weight=figures.qty(weight)) if weight else "")
    return Panel(_("Parcels"), "parts/panel_items.html", {"items": items, "empty": ""}, note=note if found else "")


def _rest(shipment: Shipment, some: bool, actor: Actor) -> dict[str, Any]:
    """What can be done with what is in no parcel yet, and with all parcels if there are `some`."""
    left = any(line.qty > line.packed for line in shipment.lines.all())
    ways = []
    if left:
        ways.append(Button(_("Pack the rest"), reverse("shipment_packing", args=[shipment.pk]), "package", ask=True))
        ways.append(Button(_("Add a parcel"), reverse("shipment_parcels", args=[shipment.pk]), "plus"))
    if left and actor.can("base.imports"):
        ways.append(Button(_("Packed elsewhere: a file"), reverse("import_new", args=["fulfilment.parcels"]), "file-spreadsheet"))
    if some:
        ways.append(Button(_("Take all apart"), reverse("shipment_unpacking", args=[shipment.pk]), "arrow-back-up", ask=True))
    return {"label": _("Not in a parcel yet") if left else _("Everything is in parcels."), "buttons": ways}


def _told(package: Package) -> str:
    return f"{package.no} · {package.get_kind_display()}"


def _inside(package: Any) -> list[str]:
    """What is in a parcel, and its weight."""
    inside = [join(f"{figures.qty(x.qty, x.line.line.unit)} {name_of(x.line.product)}", lot_of(x)) for x in package.filled]
    return [*inside, *([_("{weight} kg").format(weight=figures.qty(package.weight))] if package.weight else [])]


def _came(package: Package) -> list[str]:
    """The day on which a parcel came, where that is known."""
    return [_("here since {day}").format(day=figures.day(package.receipt.at))] if package.receipt else []


def _buttons(package: Package, actor: Actor, mine: bool) -> list[Button]:
    """Its label, for both sides; for who packs it also what can be done with it."""
    label = Button(pgettext("parcel", "Label"), f"/parcels/{package.pk}/{PARCEL_LABEL.slug}.pdf", "printer")
    labels = [label] if actor.can("base.print") else []
    if not mine:
        return labels
    return [
        *labels,
        Button(_("Change"), reverse("parcel_change", args=[package.pk]), "pencil"),
        Button(_("Take apart"), reverse("parcel_removal", args=[package.pk]), "x", ask=True),
    ]


class Pack(Verb):
    """Everything that is in no parcel yet, at once."""

    verb = "fulfilment.pack"
    form = PackForm  # type: ignore[assignment]
    title = gettext_lazy("Pack the rest")
    submit = pgettext_lazy("parcel", "Pack")
    said = gettext_lazy("The goods are packed; print the labels.")

    def says(self, obj: Shipment) -> Any:
        return _("Each parcel gets its own number (SSCC). What is over of all lines goes into one more parcel.")

    def perform(self, obj: Shipment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        per = cleaned["per"] if cleaned["how"] == "units" else None
        if cleaned["how"] == "units" and not per:
            raise Invalid("fulfilment.parcel_size", field="per")
        how = {"per": per, "by_packs": cleaned["how"] == "packs"}
        return actions.pack_rest(obj.pk, cleaned["kind"], **how, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class Unpack(Verb):
    """All parcels of a shipment."""

    verb = "fulfilment.pack"
    title = submit = gettext_lazy("Take all parcels apart")
    said = gettext_lazy("The parcels are taken apart.")
    danger = True

    def says(self, obj: Shipment) -> Any:
        return _("Their numbers are never given again: throw their labels away.")

    def perform(self, obj: Shipment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.unpack_shipment(obj.pk, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class AddParcel(LinesVerb):
    """One parcel, line by line."""

    verb = "fulfilment.pack"
    form = ParcelForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Add a parcel")
    said = gettext_lazy("The parcel is there; print its label.")

    def says(self, obj: Any) -> Any:
        return _("Filled with everything that is in no parcel yet. Write less, or nothing, where less goes in.")

    def editor_for(self, shipment: Shipment, lines: Sequence[Any], data: Any) -> LineEditor:
        return parcel_editor(lines, None, data)

    def carry_out(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        told = (cleaned["kind"], cleaned["weight"])
        return actions.pack_lines(obj.pk, inside_of(self.editor), *told, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class _Parcel:
    """A page of one parcel, for who packs its shipment."""

    query = queries.packages
    actor: Actor

    @property
    def back(self) -> str:
        return reverse("shipment", args=[self.parcel.shipment_id])

    parcel: Package

    def found(self, parcel: Package) -> Package:
        if self.actor.org_id != parcel.seller_id:
            raise Forbidden("base.forbidden", verb="fulfilment.pack")
        self.parcel = parcel
        return parcel


class ChangeParcel(_Parcel, AddParcel):  # type: ignore[misc,override]
    """What is in a parcel, and what it is."""

    title = gettext_lazy("Change the parcel")
    submit = gettext_lazy("Save")
    said = gettext_lazy("The parcel is changed; it keeps its number.")

    def find(self, **kwargs: Any) -> Any:
        parcel = self.found(Verb.find(self, **kwargs))
        self.own: dict[int, list[LotQty]] = {}
        for x in parcel.lines.order_by("expires_on", "lot"):
            self.own.setdefault(x.line_id, []).append(LotQty(x.lot, x.expires_on, x.qty))
        self.fill(parcel.shipment)
        self.told = join(parcel.sscc, parcel.shipment.number)
        return parcel

    def editor_for(self, shipment: Shipment, lines: Sequence[Any], data: Any) -> LineEditor:
        return parcel_editor(lines, self.own, data)

    def says(self, obj: Any) -> Any:
        return _("It keeps its number. Print its label anew: what is inside stands on it.")

    def carry_out(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        told = (cleaned["kind"], cleaned["weight"])
        return actions.change_package(obj.pk, inside_of(self.editor), *told, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class RemoveParcel(_Parcel, Verb):  # type: ignore[misc,override]
    """One parcel."""

    verb = "fulfilment.pack"
    title = submit = gettext_lazy("Take the parcel apart")
    said = gettext_lazy("The parcel is taken apart.")

    def find(self, **kwargs: Any) -> Any:
        return self.found(super().find(**kwargs))

    def says(self, obj: Any) -> Any:
        return _("Its goods can go into another parcel. The number {sscc} is never given again: throw its label away.").format(sscc=obj.sscc)

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.remove_package(obj.pk, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]
