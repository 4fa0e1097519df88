"""Pages of shipments: documents, a page for each verb, and the panel of the order page."""

from django.urls import path

from qudao.fulfilment.pages.documents import DifferenceList, ShipmentDetail, receipt_photo, shipment_list
from qudao.fulfilment.pages.panels import expected_panel, life_panel, link, order_panel, waiting_panel
from qudao.fulfilment.pages.parcels import AddParcel, ChangeParcel, Pack, RemoveParcel, Unpack
from qudao.fulfilment.pages.receipts import EndReceipt, Receive, ReceivePurchase, Refuse
from qudao.fulfilment.pages.verbs import Dispatch, Pick, PickOrder, Settle, ShipOrder, Take, Unpick

__all__ = ["expected_panel", "life_panel", "link", "order_panel", "routes", "waiting_panel"]

routes = [
    path("shipments/", shipment_list, name="shipments"),
    path("shipments/<int:pk>/", ShipmentDetail.as_view(), name="shipment"),
    path("shipments/<int:pk>/picking", Pick.as_view(), name="shipment_picking"),
    path("shipments/<int:pk>/picking-cancellation", Unpick.as_view(), name="shipment_unpicking"),
    path("shipments/<int:pk>/packing", Pack.as_view(), name="shipment_packing"),
    path("shipments/<int:pk>/parcels/new", AddParcel.as_view(), name="shipment_parcels"),
    path("shipments/<int:pk>/unpacking", Unpack.as_view(), name="shipment_unpacking"),
    path("parcels/<int:pk>/change", ChangeParcel.as_view(), name="parcel_change"),
    path("parcels/<int:pk>/removal", RemoveParcel.as_view(), name="parcel_removal"),
    path("shipments/<int:pk>/dispatch", Dispatch.as_view(), name="shipment_dispatch"),
    path("shipments/<int:pk>/receipt", Receive.as_view(), name="shipment_receipt"),
    path("shipments/<int:pk>/receipt-end", EndReceipt.as_view(), name="shipment_receipt_end"),
    path("shipments/<int:pk>/refusal", Refuse.as_view(), name="shipment_refusal"),
    path("receipt-lines/<int:pk>/photos/<int:file_id>", receipt_photo, name="receipt_photo"),
    path("differences/", DifferenceList.as_view(), name="differences"),
    path("differences/<int:pk>/investigation", Take.as_view(), name="difference_investigation"),
    path("differences/<int:pk>/settlement", Settle.as_view(), name="difference_settlement"),
    path("orders/<int:pk>/picking", PickOrder.as_view(), name="order_picking"),
    path("orders/<int:pk>/receipts", ReceivePurchase.as_view(), name="order_receipt"),
    path("orders/<int:pk>/shipments", ShipOrder.as_view(), name="order_shipping"),
]
