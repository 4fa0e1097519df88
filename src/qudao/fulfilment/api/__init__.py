"""Shipments over the API: their life, their differences, and what they are packed in."""

from qudao.fulfilment.api.parcels import routes

__all__ = ["routes"]
