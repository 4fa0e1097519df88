"""Pages of payments and credit notes: the list of both sides, the document, a page per verb, and panels for orders and invoices."""

from django.urls import path

from qudao.payments.pages.credits import CreditNew
from qudao.payments.pages.deposit import Deduction
from qudao.payments.pages.differences import InvoiceDifference, Limit, PaymentDifference, Refund, ShortList, UndoDifference
from qudao.payments.pages.exchange import ExchangeReport
from qudao.payments.pages.payments import Apply, Confirm, Decline, PaymentAnnounce, PaymentDetail, PaymentNew, invoice_panel, order_panel, payment_list
from qudao.payments.pages.pools import agreement_panel
from qudao.payments.pages.pools import routes as pool_routes
from qudao.payments.pages.tax import TaxReport
from qudao.payments.pages.withdraw import routes as withdraw_routes

__all__ = ["agreement_panel", "invoice_panel", "order_panel", "routes"]

routes = [
    path("taxes/", TaxReport.as_view(), name="taxes"),
    path("exchange-differences/", ExchangeReport.as_view(), name="exchange_differences"),
    path("payments/", payment_list, name="payments"),
    path("payments/new", PaymentNew.as_view(), name="payment_new"),
    path("payments/announcement", PaymentAnnounce.as_view(), name="payment_announcement"),
    path("payments/<int:pk>/", PaymentDetail.as_view(), name="payment"),
    path("payments/<int:pk>/confirmation", Confirm.as_view(), name="payment_confirmation"),
    path("payments/<int:pk>/refusal", Decline.as_view(), name="payment_refusal"),
    path("payments/<int:pk>/applications", Apply.as_view(), name="payment_applications"),
    path("payments/<int:pk>/difference", PaymentDifference.as_view(), name="payment_difference"),
    path("payments/<int:pk>/refund", Refund.as_view(), name="payment_refund"),
    path("invoices/<int:pk>/difference", InvoiceDifference.as_view(), name="invoice_difference"),
    path("small-differences/", ShortList.as_view(), name="small_differences"),
    path("small-differences/limit", Limit.as_view(), name="small_limit"),
    path("small-differences/<int:pk>/removal", UndoDifference.as_view(), name="small_difference_removal"),
    path("funds/<int:pk>/deposit/deductions", Deduction.as_view(), name="fund_deduction"),
    path("invoices/<int:pk>/credit", CreditNew.as_view(), name="invoice_credit"),
    *pool_routes,
    *withdraw_routes,
]
