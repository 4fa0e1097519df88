"""Every state change of goods under way. Body order is always: lock → decide → write own rows → call down → emit."""

from qudao.fulfilment.actions.batch import Arriving, Dispatched, Leaving, confirm_receipts, ship_orders
from qudao.fulfilment.actions.outside import receive_purchase
from qudao.fulfilment.actions.pack import Parcel, change_package, pack_lines, pack_parcels, pack_rest, remove_package, remove_packages, unpack_shipment
from qudao.fulfilment.actions.photos import attach_photos
from qudao.fulfilment.actions.plan import plan_shipments
from qudao.fulfilment.actions.receive import Part, confirm_receipt, end_receipt, receive_part, refuse_shipment, watch_receipt
from qudao.fulfilment.actions.settle import Settlement, investigate_difference, settle_difference
from qudao.fulfilment.actions.ship import cancel_pick, dispatch_shipment, ship_order, start_pick

__all__ = [
    "Arriving",
    "Dispatched",
    "Leaving",
    "Parcel",
    "Part",
    "Settlement",
    "attach_photos",
    "cancel_pick",
    "change_package",
    "confirm_receipt",
    "confirm_receipts",
    "dispatch_shipment",
    "end_receipt",
    "investigate_difference",
    "pack_lines",
    "pack_parcels",
    "pack_rest",
    "plan_shipments",
    "receive_part",
    "receive_purchase",
    "refuse_shipment",
    "remove_package",
    "remove_packages",
    "settle_difference",
    "ship_order",
    "ship_orders",
    "start_pick",
    "unpack_shipment",
    "watch_receipt",
]
