"""Which papers there are: one explicit line for each module that prints."""

from __future__ import annotations

PRINTS = (
    "qudao.orders.prints.DOCUMENTS",
    "qudao.fulfilment.prints.DOCUMENTS",
    "qudao.billing.prints.DOCUMENTS",
    "qudao.ledger.prints.DOCUMENTS",
)
