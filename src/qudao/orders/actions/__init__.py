"""Every state change of an order. Body order is always: lock → decide → write own rows → call down → emit."""

from qudao.orders.actions.again import record_sent_again
from qudao.orders.actions.amend import Amendment, amend_order
from qudao.orders.actions.batch import place_orders
from qudao.orders.actions.decide import (
    approve_order,
    attach_file,
    cancel_order,
    close_order_short,
    readdress_order,
    reject_order,
    release_held,
    release_order,
    return_order,
    withdraw_order,
)
from qudao.orders.actions.edit import edit_order, submit_order
from qudao.orders.actions.follow import (
    lock_trades,
    record_all_invoiced,
    record_all_paid,
    record_all_received,
    record_all_shipped,
    record_invoiced,
    record_paid,
    record_pick_undone,
    record_picking,
    record_received,
    record_shipped,
    record_unpaid,
)
from qudao.orders.actions.keep import keep_goods, watch_reserved
from qudao.orders.actions.outside import confirm_purchase, record_come
from qudao.orders.actions.place import note_refused, place_order
from qudao.orders.actions.ration import share_by_purchases
from qudao.orders.actions.refill import refill_orders
from qudao.orders.actions.split import Splitting, split_order
from qudao.orders.actions.transfer import arrange_transfer, transfer_faults

__all__ = [
    "Amendment",
    "Splitting",
    "amend_order",
    "approve_order",
    "arrange_transfer",
    "attach_file",
    "cancel_order",
    "close_order_short",
    "confirm_purchase",
    "edit_order",
    "keep_goods",
    "lock_trades",
    "note_refused",
    "place_order",
    "place_orders",
    "readdress_order",
    "record_all_invoiced",
    "record_all_paid",
    "record_all_received",
    "record_all_shipped",
    "record_come",
    "record_invoiced",
    "record_paid",
    "record_pick_undone",
    "record_picking",
    "record_received",
    "record_sent_again",
    "record_shipped",
    "record_unpaid",
    "refill_orders",
    "reject_order",
    "release_held",
    "release_order",
    "return_order",
    "share_by_purchases",
    "split_order",
    "submit_order",
    "watch_reserved",
    "withdraw_order",
    "transfer_faults",
]
