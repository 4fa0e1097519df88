"""Photos of what did not arrive as it was shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.core.files.uploadedfile import UploadedFile

from qudao.base.access import Actor
from qudao.base.action import action
from qudao.base.files import keep_photo
from qudao.fulfilment.models import Receipt, ReceiptLine
from qudao.fulfilment.policies import check_receiver
from qudao.fulfilment.queries import photo_subject
from qudao.kernel.errors import Fault, Invalid, NotFound

#: photos of one line at once
MOST = 6


@action("fulfilment.receive")
def attach_photos(receipt_id: int, photos: Mapping[int, Sequence[UploadedFile]], *, actor: Actor) -> Receipt:
    """Keep the receiver's photos with the lines of its receipt: shipment line id → pictures; both sides see them. The same picture again is the same photo.

    NotFound for a line of another shipment; Invalid at `lines.<shipment line id>` for what is no picture, or too many.
    """
    receipt = Receipt.unscoped.select_related("shipment").filter(pk=receipt_id).first()
    if receipt is None:
        raise NotFound("base.not_found")
    check_receiver(actor, receipt.shipment.seller_id, receipt.shipment.buyer_id, receipt.shipment_id)
    lines = {line.shipment_line_id: line for line in ReceiptLine.unscoped.filter(receipt=receipt, shipment_line__in=list(photos))}
    for shipment_line_id, uploads in photos.items():
        if shipment_line_id not in lines:
            raise NotFound("base.not_found")
        at = f"lines.{shipment_line_id}"
        if len(uploads) > MOST:
            raise Invalid("fulfilment.too_many_photos", field=at, limit=MOST)
        subject = photo_subject(lines[shipment_line_id].pk, receipt.shipment)
        for upload in uploads:
            try:
                keep_photo(upload, subject, actor=actor)
            except Invalid as error:
                raise Invalid.of(Fault(fault.code, at, fault.params) for fault in error.faults) from error
    return receipt
