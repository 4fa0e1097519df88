"""Pages of orders: the list of both sides, the document with its panels, and a page per verb. Each ends in an action."""

from django.urls import path

from qudao.orders.pages.detail import OrderDetail
from qudao.orders.pages.life import belongs
from qudao.orders.pages.lists import order_list, versions
from qudao.orders.pages.panels import timeline_panel
from qudao.orders.pages.quotas import Purchases
from qudao.orders.pages.transfer import TransferNew
from qudao.orders.pages.verbs import Amend, Approve, Attach, Cancel, CloseShort, Confirmed, Keep, Readdress, Reject, Release, Return, Split, Submit, Withdraw

__all__ = ["belongs", "routes", "timeline_panel", "versions"]

routes = [
    path("orders/", order_list, name="orders"),
    path("orders/transfer", TransferNew.as_view(), name="transfer_new"),
    path("orders/<int:pk>/", OrderDetail.as_view(), name="order"),
    path("orders/<int:pk>/approval", Approve.as_view(), name="order_approval"),
    path("orders/<int:pk>/release", Release.as_view(), name="order_release"),
    path("orders/<int:pk>/rejection", Reject.as_view(), name="order_rejection"),
    path("orders/<int:pk>/withdrawal", Withdraw.as_view(), name="order_withdrawal"),
    path("orders/<int:pk>/submission", Submit.as_view(), name="order_submission"),
    path("orders/<int:pk>/return", Return.as_view(), name="order_return"),
    path("orders/<int:pk>/amendment", Amend.as_view(), name="order_amendment"),
    path("orders/<int:pk>/confirmation", Confirmed.as_view(), name="order_confirmation"),
    path("orders/<int:pk>/keeping", Keep.as_view(), name="order_keeping"),
    path("orders/<int:pk>/split", Split.as_view(), name="order_split"),
    path("orders/<int:pk>/address", Readdress.as_view(), name="order_address"),
    path("orders/<int:pk>/files", Attach.as_view(), name="order_files"),
    path("orders/<int:pk>/cancellation", Cancel.as_view(), name="order_cancellation"),
    path("quotas/<int:pk>/purchases", Purchases.as_view(), name="quota_purchases"),
    path("orders/<int:pk>/short-closing", CloseShort.as_view(), name="order_short_closing"),
]
