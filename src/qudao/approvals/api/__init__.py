"""Approvals over the API: flows and what waits, and the actions that wait for signatures."""

from qudao.approvals.api.proposals import routes

__all__ = ["routes"]
