"""The form page and the action page: both end in an action, and nothing typed is lost on a refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from qudao.base.access import Actor
from qudao.base.html.forms import Form
from qudao.base.html.pages.door import Button, Page, client_id_of, get_row, go, wanted
from qudao.base.html.picks import PickField
from qudao.base.sentences import Said, say
from qudao.kernel.errors import DomainError, Forbidden, NotFound, Waits


class FormPage(Page):
    """A form that ends in `action(**cleaned, actor=…, client_id=…)`. Hooks: `find`, `initial`, `perform`, `done`, `undo`.

    On a refusal the page comes back (422) with every fault at its field and nothing typed is lost; the client id makes a second submit harmless.
    """

    form: type[Form]
    action: ClassVar[Callable[..., Any] | None] = None
    template = "form.html"
    submit: Any = ""
    #: the toast after success
    said: Any = ""
    #: whether what is typed survives a reload or a crash, in this browser, until it is sent; for long forms
    keeps: ClassVar[bool] = False

    def find(self, **kwargs: Any) -> Any:
        """Hook: the row to change, from the address; None for a new one."""
        return None

    def initial(self, obj: Any) -> dict[str, Any]:
        """Hook: what the form shows first."""
        return {name: getattr(obj, name, None) for name in self.form.base_fields} if obj is not None else {}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        """Hook: call the action. By default with the cleaned data, and the row's id first when there is one."""
        action = type(self).action
        assert action is not None, "a FormPage needs an action"
        return action(*([obj.pk] if obj is not None else []), **cleaned, actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        """Hook: where to go after success."""
        return result.get_absolute_url() if isinstance(result, Model) and hasattr(result, "get_absolute_url") else self.back or "/"

    def undo(self, obj: Any, result: Any) -> Button | None:
        """Hook: what takes the change back, where there is an inverse: a POST that needs no question."""
        return None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        obj = self.find(**kwargs)
        if "pick" in request.GET:
            return self._picks(self.form(actor=self.actor), request.GET["pick"], request.GET.get("q", ""))
        return self.page(obj, self.form(initial={**self.initial(obj), **request.GET.dict()}, actor=self.actor))

    @staticmethod
    def _picks(form: Form, name: str, words: str) -> JsonResponse:
        """What fits the words typed in a field that chooses one row among many."""
        field = form.fields.get(name)
        return JsonResponse({"results": field.suggest(words) if isinstance(field, PickField) else []})

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        obj = self.find(**kwargs)
        form = self.form(request.POST, request.FILES or None, actor=self.actor)
        if not form.is_valid():
            return self.page(obj, form, status=422)
        try:
            result = self.perform(obj, form.cleaned_data, client_id_of(request))
        except (Forbidden, NotFound):
            raise
        except Waits as waits:
            return go(request, waits.address or self.back or "/", say(waits.faults[0]).sentence)
        except DomainError as error:
            return self.page(obj, form, form.refuse(error), status=error.status)
        return go(request, self.done(result), self.said, undo=self.undo(obj, result))

    def page(self, obj: Any, form: Form, faults: Sequence[Said] = (), status: int = 200) -> HttpResponse:
        context = {"obj": obj, "form": form, "faults": faults, "client_id": client_id_of(self.request), "submit": self.submit or _("Save")}
        return self.show("parts/dialog.html" if wanted(self.request) == "ask" else self.template, context, status)


class NoFields(Form):
    """A form that asks nothing: the button is the question."""


class ActionPage(FormPage):
    """A verb on one row, at its own address (POST /orders/42/approval). GET asks (with the reason field if the form has one), POST does.

    The row comes from `query(actor)` by `pk`; the same hooks as FormPage. `says(obj)` is the sentence of what will happen or be lost.
    """

    query: ClassVar[Callable[[Actor], QuerySet]]
    form: type[Form] = NoFields
    danger = False

    def find(self, **kwargs: Any) -> Any:
        return get_row(type(self).query(self.actor), kwargs["pk"])

    def initial(self, obj: Any) -> dict[str, Any]:
        return {}

    def done(self, result: Any) -> str:
        url = super().done(result)
        if url == "/":
            return super().done(self.find(**self.kwargs))
        return url

    def says(self, obj: Any) -> Any:
        """Hook: what this will do, and what is lost."""
        return ""

    def page(self, obj: Any, form: Form, faults: Sequence[Said] = (), status: int = 200) -> HttpResponse:
        self.danger_text = self.says(obj)
        return super().page(obj, form, faults, status)
