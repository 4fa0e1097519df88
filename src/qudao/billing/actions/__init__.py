"""Every change of invoices: issued for an order, or for many together; told that they are paid; what credit notes take back."""

from qudao.billing.actions.collective import end_cycle, issue_collective, set_cycle
from qudao.billing.actions.issue import Paper, issue_all_invoices, issue_invoices, record_invoice
from qudao.billing.actions.pay import PaidInvoice, credit_lines, lock_lines, pay_all_invoices, pay_invoices, unpay_invoice

__all__ = [
    "PaidInvoice",
    "Paper",
    "credit_lines",
    "end_cycle",
    "issue_all_invoices",
    "issue_collective",
    "issue_invoices",
    "lock_lines",
    "pay_all_invoices",
    "pay_invoices",
    "record_invoice",
    "set_cycle",
    "unpay_invoice",
]
