"""Pictures of the goods, drawn by code."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.web.demo.goods import Good
from qudao.web.demo.network import World


def hang(world: World, goods: Sequence[Good]) -> None:
    """Give each product its picture."""
