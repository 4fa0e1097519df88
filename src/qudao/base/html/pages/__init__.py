"""The four pages: list, detail, form, action; and the door to the import. Plain class attributes, at most four hooks each, always ending in an action.

Names of addresses by habit: the list is the plural noun ("orders"), the detail the noun ("order"), a new one "order_new", a verb
"order_approval". Rows come only from the page's `query(actor)`. Anything unusual is a normal function view under `@door("verb")`.
"""

from qudao.base.html.bulk import Bulk, Skip
from qudao.base.html.forms import Form, Line, LineEditor, LineField
from qudao.base.html.pages.details import DetailPage, Head, Panel, Step
from qudao.base.html.pages.door import Button, Page, allowed, broken, client_id_of, door, forbidden, get_row, go, not_found, refusal, wanted
from qudao.base.html.pages.forms import ActionPage, FormPage, NoFields
from qudao.base.html.pages.imports import import_buttons
from qudao.base.html.pages.lists import ListPage

__all__ = [
    "ActionPage", "Bulk", "Button", "DetailPage", "Form", "FormPage", "Head", "Line", "LineEditor", "LineField", "ListPage", "NoFields",
    "Page", "Panel", "Skip", "Step", "allowed", "broken", "client_id_of", "door", "forbidden", "get_row", "go", "import_buttons", "not_found",
    "refusal", "wanted",
]  # fmt: skip
