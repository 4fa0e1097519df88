"""The detail page: head with the one next action, stepper, own panels and those of upper modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString

from qudao.base.access import Actor
from qudao.base.html.pages.door import Button, Page, allowed, get_row
from qudao.base.html.pages.prints import print_buttons


@dataclass(frozen=True)
class Head:
    """The head of a document: number, state (word, tone), party, short facts."""

    number: str
    state: tuple[Any, str] | None = None
    party: Any = ""
    tags: Sequence[Any] = ()
    facts: Sequence[Any] = ()


@dataclass(frozen=True)
class Step:
    """One step of a document's life: past, now (with the share done), or "" for what comes."""

    label: Any
    when: str = ""
    facts: Sequence[Any] = ()
    wrong: Any = ""


@dataclass(frozen=True)
class Panel:
    """A region of a detail page. `aside` = beside, for what one needs while deciding; `half` panels stand two in a row.

    `next` is the next action this panel proposes for the whole document; without it the first button of its items is.
    """

    title: Any
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    note: Any = ""
    aside: bool = False
    half: bool = False
    next: Button | None = None

    @property
    def proposal(self) -> Button | None:
        """What this panel would do next with the document."""
        items = self.context.get("items", ())
        return self.next or next((b for item in items if isinstance(item, Mapping) for b in item.get("buttons", ())), None)

    def html(self, request: HttpRequest) -> SafeString:
        return render_to_string(self.template, {"panel": self, **self.context}, request)


@cache
def panels_of(kind: str) -> tuple[Callable[[HttpRequest, Any], Panel | None], ...]:
    """The panels that upper modules contribute to a kind of document: the explicit list of `qudao.web.panels`."""
    found = import_string(getattr(settings, "PANELS", "qudao.web.panels.PANELS"))
    return tuple(import_string(name) for name in found.get(kind, ()))


class DetailPage(Page):
    """A document. Hooks: `head(obj)`, `steps(obj)`, `buttons(obj)`, `more(obj)`. Panels: own ones, then those of upper modules."""

    query: ClassVar[Callable[[Actor], QuerySet]]
    #: "orders.order": the subject kind, by which upper modules contribute panels
    kind: ClassVar[str] = ""
    #: own panels, callables (request, obj) -> Panel | None
    panels: ClassVar[Sequence[Callable[[HttpRequest, Any], Panel | None]]] = ()
    template = "document.html"

    def head(self, obj: Any) -> Head:
        """Hook: number, state, party, facts."""
        return Head(str(obj))

    def steps(self, obj: Any) -> Sequence[tuple[str, Step]]:
        """Hook: the stepper as ("past" | "now" | "", Step)."""
        return ()

    def buttons(self, obj: Any) -> Sequence[Button]:
        """Hook: what may be done now; the primary one is the next action, the rest go into the menu."""
        return ()

    def more(self, obj: Any) -> dict[str, Any]:
        """Hook: more context for an own template."""
        return {}

    def get(self, request: HttpRequest, pk: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        obj = get_row(type(self).query(self.actor), pk)
        own = [panel for panel in (make(request, obj) for make in type(self).panels) if panel]
        given = [panel for panel in (make(request, obj) for make in panels_of(self.kind)) if panel]
        made = [*own, *given]
        drawn = [(panel, panel.html(request)) for panel in made]
        buttons = allowed(self.buttons(obj), self.actor)
        if not any(b.primary for b in buttons):  # the document itself has nothing to do: an upper module may
            proposed = next((p.proposal for p in given if p.proposal), None)
            buttons += [replace(proposed, primary=True)] if proposed else []
        head = self.head(obj)
        context = {
            "obj": obj,
            "title": head.number,
            "head": head,
            "steps": self.steps(obj),
            "primary": next((b for b in buttons if b.primary), None),
            "others": [b for b in buttons if not b.primary and not b.danger],
            "dangers": [b for b in buttons if b.danger],
            "prints": print_buttons(self.kind, obj, self.actor),
            "main_panels": [d for d in drawn if not d[0].aside and not d[0].half],
            "half_panels": [d for d in drawn if d[0].half],
            "aside_panels": [d for d in drawn if d[0].aside],
            **self.more(obj),
        }
        return self.show(self.template, context)
