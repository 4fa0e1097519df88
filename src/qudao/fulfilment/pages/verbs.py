"""A page for each verb on a shipment: pick, stop, dispatch, receive, and shipping an order in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.access import Actor
from qudao.base.html.forms import LineField
from qudao.base.html.pages import ActionPage, Button, LineEditor
from qudao.base.sentences import Said
from qudao.fulfilment import actions, queries
from qudao.fulfilment.forms import (
    DISPATCH_LINES,
    LOT_FIELD,
    SettleForm,
    TakeForm,
    WayForm,
    editor_of,
    quantities_of,
    scannable,
)
from qudao.fulfilment.models import Difference, Shipment
from qudao.fulfilment.states import LOST, OUTCOMES, DifferenceKind, Outcome, Remedy
from qudao.fulfilment.tables import name_of, told_of
from qudao.kernel.errors import DomainError, Forbidden, Invalid, NotFound


def in_sight(actor: Actor) -> QuerySet[Shipment]:
    """The shipments the actor may see."""
    return queries.shipments(actor)


class Verb(ActionPage):
    """A verb on a shipment."""

    query = in_sight
    above = "shipment"

    def done(self, result: Any) -> str:
        return reverse("shipment", args=[result.pk])


class Pick(Verb):
    verb = "fulfilment.pick"
    title = submit = gettext_lazy("Start picking")
    said = gettext_lazy("Picking has begun.")

    def says(self, obj: Shipment) -> Any:
        return _("From now on the order cannot be cancelled until picking stops.")

    def perform(self, obj: Shipment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.start_pick(obj.order_id, place_id=obj.from_place_id, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def undo(self, obj: Shipment, result: Any) -> Button:
        return Button(_("Undo"), reverse("shipment_unpicking", args=[result.pk]), verb="fulfilment.pick")


class Unpick(Verb):
    verb = "fulfilment.pick"
    title = submit = gettext_lazy("Stop picking")
    said = gettext_lazy("Picking has stopped.")

    def says(self, obj: Shipment) -> Any:
        return _("The goods go back to the shelf; they stay reserved for the order and are planned again.")

    def perform(self, obj: Shipment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        self.packed = obj.packages.exists()
        return actions.cancel_pick(obj.pk, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def undo(self, obj: Shipment, result: Any) -> Button | None:
        """Parcels that were taken apart do not come back."""
        return None if self.packed else Button(_("Undo"), reverse("order_picking", args=[obj.order_id]), verb="fulfilment.pick")


class LinesVerb(Verb):
    """A verb with a row for each line of the shipment. Faults stand at their rows; nothing typed is lost."""

    keeps = True
    fields: Sequence[LineField] = ()
    template = "fulfilment/lines_form.html"
    #: the column that a scanner counts in, and the one that takes what is more than a line expects
    tally: ClassVar[str] = "qty"
    tally_over: ClassVar[str] = ""
    editor: LineEditor

    def find(self, **kwargs: Any) -> Shipment:
        shipment = super().find(**kwargs)
        self.fill(shipment)
        return shipment

    def fill(self, shipment: Shipment) -> None:
        """Read the lines into the editor."""
        data = self.request.POST if self.request.method == "POST" else None
        lines = list(queries.lines_of(shipment))
        self.editor = self.editor_for(shipment, lines, data)
        scannable(self.editor, lines, self.tally)
        self.told = f"{shipment.number} · {name_of(shipment.buyer if self.actor.org_id == shipment.seller_id else shipment.seller)}"

    def editor_for(self, shipment: Shipment, lines: Sequence[Any], data: Any) -> LineEditor:
        """Hook: the rows for these lines."""
        return editor_of(self.fields_of(shipment, lines), lines, data)

    def fields_of(self, shipment: Shipment, lines: Sequence[Any]) -> Sequence[LineField]:
        """Hook: the columns for these lines."""
        return self.fields

    def carry_out(self, obj: Shipment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        """Hook: call the action with the editor's lines."""
        raise NotImplementedError

    def perform(self, obj: Shipment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        if not self.editor.is_valid():
            raise Invalid("fulfilment.quantity")
        try:
            return self.carry_out(obj, cleaned, client_id)
        except (Forbidden, NotFound):
            raise
        except DomainError as error:
            self.editor.refuse(error)
            raise

    def page(self, obj: Any, form: Any, faults: Sequence[Said] = (), status: int = 200) -> HttpResponse:
        return super().page(obj, form, [f for f in faults if not f.field.startswith("lines.")], status)

    def show(self, template: str, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
        return super().show(template, {**context, "editor": self.editor}, status)


class Dispatch(LinesVerb):
    verb = "fulfilment.ship"
    form = WayForm  # type: ignore[assignment]
    fields = DISPATCH_LINES
    title = submit = gettext_lazy("Dispatch")
    said = gettext_lazy("The shipment has left.")

    def says(self, obj: Shipment) -> Any:
        return _("What you do not ship now is planned for the next shipment.")

    def fields_of(self, shipment: Shipment, lines: Sequence[Any]) -> Sequence[LineField]:
        """Lots are asked for only where a product has some; what expires first of what keeps long enough is proposed."""
        if not any(line.by_lot for line in lines):
            return self.fields
        queries.with_lots([(shipment, lines)])
        return (*self.fields, LOT_FIELD)

    def carry_out(self, obj: Shipment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        lines = quantities_of(self.editor)
        return actions.dispatch_shipment(obj.pk, lines=lines, **cleaned, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class ShipOrder(ActionPage):
    """Everything open of an order in one step."""

    verb = "fulfilment.ship"
    query = queries.orders_in_sight
    form = WayForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Ship everything now")
    said = gettext_lazy("The shipment has left.")
    above = "order"

    def says(self, obj: Any) -> Any:
        return _("Plans, picks and dispatches everything open of order {number} at once.").format(number=obj.number)

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.ship_order(obj.pk, **cleaned, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def done(self, result: Any) -> str:
        return reverse("shipment", args=[result.pk])


class PickOrder(ShipOrder):
    """Begin to pick an order, planned or not."""

    verb = "fulfilment.pick"
    form = ActionPage.form  # type: ignore[assignment]
    title = submit = gettext_lazy("Start picking")
    said = gettext_lazy("Picking has begun.")

    def says(self, obj: Any) -> Any:
        return _("From now on the order cannot be cancelled until picking stops.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.start_pick(obj.pk, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def undo(self, obj: Any, result: Any) -> Button:
        return Button(_("Undo"), reverse("shipment_unpicking", args=[result.pk]), verb="fulfilment.pick")


class _Claim(ActionPage):
    """A verb of the seller on a difference."""

    verb = "fulfilment.settle"
    query = queries.differences

    def find(self, **kwargs: Any) -> Difference:
        found: Difference = super().find(**kwargs)
        if not self.actor.acts_as(found.seller_id):
            raise Forbidden("base.forbidden", verb=self.verb)
        return found

    @property
    def back(self) -> str:
        return reverse("shipment", args=[self.find(**self.kwargs).shipment_id])

    def says(self, obj: Difference) -> Any:
        return told_of(obj)

    def done(self, result: Any) -> str:
        return reverse("shipment", args=[result.shipment_id])


class Take(_Claim):
    """Who has a difference, and until when."""

    form = TakeForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Investigate the difference")
    said = gettext_lazy("Both sides see who has it.")

    def initial(self, obj: Difference) -> dict[str, Any]:
        return {"owner": obj.taken_by_id or self.actor.user_id, "due_on": obj.due_on, "note": obj.note}

    def perform(self, obj: Difference, cleaned: dict[str, Any], client_id: UUID) -> Any:
        owner = cleaned.pop("owner")
        return actions.investigate_difference(obj.pk, owner, **cleaned, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class Settle(_Claim):
    """What became of the goods of a difference, who bears it, and what the buyer gets."""

    form = SettleForm  # type: ignore[assignment]
    keeps = True
    title = submit = gettext_lazy("Settle the difference")
    said = gettext_lazy("The difference is settled; the buyer is told.")

    def says(self, obj: Difference) -> Any:
        more = "" if obj.kind == DifferenceKind.OVER else _("What was invoiced of it is taken back by a credit note on the invoice.")
        return f"{told_of(obj)}. {more}".strip()

    def initial(self, obj: Difference) -> dict[str, Any]:
        return {"note": obj.note}

    def page(self, obj: Difference, form: Any, faults: Sequence[Said] = (), status: int = 200) -> HttpResponse:
        form.fields["outcome"].choices = [("", _("Choose…")), *((one, Outcome(one).label) for one in OUTCOMES[obj.kind])]
        gets = [Remedy.AGAIN] if obj.kind in LOST else []
        if gets and obj.shipment.order.invoice_on != "receipt" and self.actor.can("payments.credit"):
            gets.append(Remedy.CREDIT)
        form.fields["remedy"].choices = [("", _("Nothing more")), *((one, one.label) for one in gets)]
        if not gets:
            del form.fields["remedy"]
        return super().page(obj, form, faults, status)

    def perform(self, obj: Difference, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.settle_difference(obj.pk, actions.Settlement(**cleaned), actor=self.actor, client_id=client_id)  # type: ignore[call-arg]
