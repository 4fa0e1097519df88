"""Payments over the API: single ones, and those of head offices for their branches."""

from qudao.payments.api.pools import routes

__all__ = ["routes"]
