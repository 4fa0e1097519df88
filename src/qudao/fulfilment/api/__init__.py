"""Shipments over the API: their life, their differences, what they are packed in, and what came of them."""

from qudao.fulfilment.api.receipts import routes

__all__ = ["routes"]
