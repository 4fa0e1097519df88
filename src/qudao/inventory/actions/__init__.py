"""Every change of stock: reserve, release and move, in sorted lock order and in a number of statements that does not grow with the lines.

Whoever changes a reservation holds the lock of its stock row, so the stock lock is the only one that matters here.
"""

from qudao.inventory.actions.hold import free_lot, free_stock, hold_lot, hold_stock
from qudao.inventory.actions.keep import (
    OpeningLine,
    adjust_stock,
    check_lots,
    ensure_places,
    receive_opening,
    return_opening,
    set_receiving,
    set_reserve_days,
    set_shortage,
    set_supply_place,
    set_surcharge,
    subject_of,
)
from qudao.inventory.actions.lots import Moved
from qudao.inventory.actions.move import post_all_moves, post_moves
from qudao.inventory.actions.places import change_place, close_place, move_between_places, register_place, remove_places, reopen_place
from qudao.inventory.actions.reserve import Shelves, hand_over, open_shelves, promise, refill, release, reserve, shrink, stop_waiting
from qudao.inventory.actions.serve import drop_serving, set_serving
from qudao.inventory.actions.track import adjust_lot, set_keeps, track_product
from qudao.inventory.rules import Demand, LotQty, MoveSpec, PlaceFacts

__all__ = [
    "Demand",
    "LotQty",
    "MoveSpec",
    "Moved",
    "OpeningLine",
    "PlaceFacts",
    "Shelves",
    "adjust_lot",
    "adjust_stock",
    "change_place",
    "check_lots",
    "close_place",
    "drop_serving",
    "ensure_places",
    "free_lot",
    "free_stock",
    "hand_over",
    "hold_lot",
    "hold_stock",
    "move_between_places",
    "open_shelves",
    "post_all_moves",
    "post_moves",
    "promise",
    "receive_opening",
    "refill",
    "register_place",
    "release",
    "remove_places",
    "reopen_place",
    "reserve",
    "return_opening",
    "set_keeps",
    "set_receiving",
    "set_reserve_days",
    "set_serving",
    "set_shortage",
    "set_supply_place",
    "set_surcharge",
    "shrink",
    "stop_waiting",
    "subject_of",
    "track_product",
]
