"""For tests of modules: a cell of a list edited in place, as the browser does it."""

from django.http import QueryDict

from qudao.base.html.cells import Cell, save_cell
from qudao.base.html.pages import ListPage


def edit(page: type[ListPage], actor, row, column: str, to: str, *, was: str | None = None) -> Cell:
    """What comes back when `to` is typed where `was` stood (by default what stands there). Raises NotFound for a cell that the actor cannot edit."""
    asked = QueryDict(mutable=True)
    asked.update({"row": str(row.pk), "column": column, "to": to})
    there = page.standing_for(actor)
    asked["was"] = save_cell(there, asked, change=False).raw if was is None else was
    return save_cell(there, asked, change=True)
