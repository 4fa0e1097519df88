"""Facts about stock that other modules may follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class GoodsFree:
    """Goods that somebody waits for came in, were given back, or are no longer wanted by one of those who wait."""

    version: ClassVar[int] = 1
    place_id: int
    product_id: int
