"""Pages of who receives: count what came, all of it or a part, refuse it, or say that nothing more comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.action import unit
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, LineEditor
from qudao.base.sentences import Said
from qudao.fulfilment import actions, queries, rules
from qudao.fulfilment.forms import RECEIPT_LINES, ArrivalForm, EndForm, PartForm, RefuseForm, arrival_editor, arrived_lots, counts_of, receipt_editor, scannable
from qudao.fulfilment.models import Shipment
from qudao.fulfilment.pages.verbs import LinesVerb, Verb
from qudao.fulfilment.tables import name_of
from qudao.inventory.queries import unscoped_receiving


class Receive(LinesVerb):
    verb = "fulfilment.receive"
    form = PartForm  # type: ignore[assignment]
    fields = RECEIPT_LINES
    title = gettext_lazy("Receive")
    submit = gettext_lazy("Confirm receipt")
    said = gettext_lazy("The receipt is confirmed.")
    template = "fulfilment/receipt_form.html"
    tally, tally_over = "received", "over"

    def says(self, obj: Shipment) -> Any:
        return _("Filled as if everything arrived. Change what did not: what is not counted anywhere is missing, unless you say that the rest is under way.")

    def fill(self, shipment: Shipment) -> None:
        """Read the lines into the editor, and the parcels of which it is not known yet whether they came; those named in the address (or sent with the
        form) fill the rows.
        """
        self.open_parcels: list[Any] = [one for one in queries.unscoped_packages([shipment.pk]).get(shipment.pk, []) if one.receipt_id is None]
        asked = set((self.request.POST.get("parcels", "") or self.request.GET.get("parcels", "")).split(","))
        self.here = [one for one in self.open_parcels if one.sscc in asked]
        super().fill(shipment)

    def editor_for(self, shipment: Shipment, lines: Sequence[Any], data: Any) -> LineEditor:
        """What is under way of each line; with parcels chosen, what is in them."""
        inside: dict[int, Any] = {}
        for x in (x for one in self.here for x in one.filled):
            inside[x.line_id] = inside.get(x.line_id, rules.NOTHING) + x.qty
        return receipt_editor(self.fields, [line for line in lines if line.rest], inside if self.here else None, data)

    def initial(self, obj: Shipment) -> dict[str, Any]:
        """Parcels of which some are not here: the rest is under way."""
        return {"more": bool(self.here) and len(self.here) < len(self.open_parcels)}

    def show(self, template: str, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
        return super().show(template, {**context, "parcels": self.parcel_choice(), "here": ",".join(one.sscc for one in self.here)}, status)

    def parcel_choice(self) -> list[dict[str, Any]]:
        """The parcels to choose from, each with the address that takes it in or out; none where there is only one."""
        here = [one.sscc for one in self.here]
        found = []
        for one in self.open_parcels if len(self.open_parcels) > 1 else []:
            on = one.sscc in here
            rest = [other for other in here if other != one.sscc] if on else [*here, one.sscc]
            text = f"{one.no} · {one.get_kind_display()} {one.sscc}"
            found.append({"text": text, "on": on, "url": f"?parcels={','.join(rest)}" if rest else self.request.path})
        return found

    def carry_out(self, obj: Shipment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        told = {"photos": self.photos(), "client_id": client_id}
        if cleaned["more"] or self.here:
            part = actions.Part(counts_of(self.editor), [one.sscc for one in self.here], cleaned["note"], cleaned["more"])
            return actions.receive_part(obj.pk, part, **told, actor=self.actor)  # type: ignore[arg-type]
        return actions.confirm_receipt(obj.pk, counts_of(self.editor), note=cleaned["note"], **told, actor=self.actor)  # type: ignore[arg-type]

    def asks(self, obj: Shipment) -> bool:
        """Whether who counts damaged or wrong goods has to send a photo of them."""
        return unscoped_receiving(obj.order.agreement_id).photos

    def page(self, obj: Any, form: Any, faults: Sequence[Said] = (), status: int = 200) -> HttpResponse:
        self.asks_photos = self.asks(obj)
        return super().page(obj, form, faults, status)

    def photos(self) -> dict[int, list[Any]]:
        """The photos that came with the rows, by shipment line."""
        return {int(line.ref): found for line in self.editor.lines if (found := self.request.FILES.getlist(f"photo-{line.ref}"))}

    def done(self, result: Any) -> str:
        return reverse("shipment", args=[result.shipment_id])


class ReceivePurchase(Receive):
    """What came of an outside purchase: nobody ships it here, so it is counted at the order."""

    query = queries.orders_in_sight  # type: ignore[assignment]
    form = ArrivalForm  # type: ignore[assignment]
    title = gettext_lazy("Receive goods")
    above = "order"

    def find(self, **kwargs: Any) -> Any:
        order: Any = ActionPage.find(self, **kwargs)
        lines: list[Any] = list(queries.unscoped_to_come(order))
        data = self.request.POST if self.request.method == "POST" else None
        self.editor = arrival_editor(lines, any(line.by_lot for line in lines), data)
        scannable(self.editor, lines, self.tally)
        self.told = f"{order.number} · {name_of(order.seller)}"
        self.open_parcels, self.here = [], []
        return order

    def initial(self, obj: Any) -> dict[str, Any]:
        return {}

    def says(self, obj: Any) -> Any:
        return _("Filled as if all of it came. Write 0 where nothing did: it stays expected. Missing is what stands on the delivery note and is not there.")

    def carry_out(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        def both() -> Any:
            receipt = self.count(obj, cleaned, client_id)
            made = {line.line_id: line.pk for line in receipt.shipment.lines.all()}
            photos = {made[ref]: found for ref, found in self.photos().items() if ref in made}
            return actions.attach_photos(receipt.pk, photos, actor=self.actor) if photos else receipt

        return unit(both)  # a receipt whose photos are refused is not confirmed

    def asks(self, obj: Any) -> bool:
        """The seller has nobody here who could ask for one."""
        return False

    def count(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        """Call the action with what was counted."""
        counts = [one for one in counts_of(self.editor) if rules.told(one) or one.over]
        lots = arrived_lots(self.editor)
        return actions.receive_purchase(obj.pk, counts, **cleaned, lots=lots, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class Refuse(Verb):
    """Nothing of a shipment is taken."""

    verb = "fulfilment.receive"
    form = RefuseForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Refuse the delivery")
    said = gettext_lazy("The delivery is refused; the seller is told.")
    danger = True

    def says(self, obj: Shipment) -> Any:
        return _("Nothing of it is taken into stock. The goods go back to the seller, who settles every line: sent again, credited, or taken back.")

    def perform(self, obj: Shipment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.refuse_shipment(obj.pk, cleaned["reason"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def done(self, result: Any) -> str:
        return reverse("shipment", args=[result.shipment_id])


class EndReceipt(Verb):
    """Nothing more comes of a shipment that was received in part."""

    verb = "fulfilment.receive"
    form = EndForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Nothing more comes")
    said = gettext_lazy("The rest is noted as missing; the seller is told.")
    danger = True

    def says(self, obj: Shipment) -> Any:
        rest = [f"{figures.qty(line.rest, line.line.unit)} {name_of(line.product)}" for line in queries.lines_of(obj) if line.rest]
        return _("What is still under way is missing from now on: {goods}. The seller settles it: sent again, credited, or taken back.").format(
            goods=", ".join(rest)
        )

    def perform(self, obj: Shipment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.end_receipt(obj.pk, cleaned["note"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def done(self, result: Any) -> str:
        return reverse("shipment", args=[result.shipment_id])
