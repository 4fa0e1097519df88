"""The database engine of the settings: Django's own, but for how moments are read.

Django reads each `timestamptz` in Python, 9 µs, to give it the zone of the connection: 200,000 times for a list of 100,000 orders. The zone is always UTC
here, in which psycopg's own loader, written in C, gives them at once.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.db.backends.postgresql import base
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzLoader


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose moments come in UTC at the speed of the driver."""

    @property
    def _plain(self) -> bool:
        """Whether nothing is asked of the connection that only Django's own cursors can do."""
        return bool(self.timezone == UTC and self.settings_dict["OPTIONS"].get("server_side_binding"))

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        if self._plain:
            params["context"] = AdaptersMap(params["context"].adapters)
            params["context"].register_loader("timestamptz", TimestamptzLoader)
        return params

    def create_cursor(self, name: str | None = None) -> Any:
        """As Django's, without asking the loader for its zone; a named one stays on the server."""
        if not self._plain:
            return super().create_cursor(name)
        return self.connection.cursor(name, scrollable=False, withhold=self.connection.autocommit) if name else self.connection.cursor()
