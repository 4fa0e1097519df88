"""Pages of saved views: keep an address under a name, rename and share it, let a list open with it for oneself or for the people of a role."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base import saved
from qudao.base.access import visible
from qudao.base.html.forms import Form
from qudao.base.html.pages.door import Button, door, get_row, go
from qudao.base.html.pages.forms import FormPage
from qudao.base.models import SavedView


def local(url: str, otherwise: str = "/") -> str:
    """An address of ours, from a form; `otherwise` for any other."""
    return url if url_has_allowed_host_and_scheme(url, allowed_hosts=None) else otherwise


def _facts(data: QueryDict) -> saved.ViewFacts:
    return saved.ViewFacts(data.get("name", "").replace("\x00", ""), bool(data.get("shared")), bool(data.get("first")))


@door("base.views")
def save(request: HttpRequest) -> HttpResponse:
    """Keep the present address of a list under a name."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    place = local(request.POST.get("place", ""))
    view = saved.save_view(place, request.POST.get("query", ""), _facts(request.POST), actor=request.actor)  # type: ignore[attr-defined]
    undo = Button(_("Undo"), reverse("view_removal", args=[view.pk]), post=True)
    return go(request, _address(view), _("The view “{name}” is saved.").format(name=view.name), undo=undo)


def _address(view: Any) -> str:
    return f"{view.place}?{view.query}&view={view.pk}".replace("?&", "?")


class ViewForm(Form):
    """Name of a view and who sees it."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    shared = forms.BooleanField(label=gettext_lazy("Colleagues see it too"), required=False)
    first = forms.BooleanField(label=gettext_lazy("The list opens with it"), required=False)


class ViewChange(FormPage):
    """Rename or share one's own view."""

    verb = "base.views"
    title = gettext_lazy("Rename or share")
    form = ViewForm

    def find(self, **kwargs: Any) -> Any:
        return get_row(saved.own_views(self.actor), kwargs["pk"])

    def initial(self, obj: Any) -> dict[str, Any]:
        return {"name": obj.name, "shared": obj.shared, "first": obj.mine}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: Any) -> Any:
        return saved.change_view(obj.pk, saved.ViewFacts(**cleaned), actor=self.actor)

    def done(self, result: Any) -> str:
        return _address(result)


class StartForm(Form):
    """For which roles a list opens with a view."""

    roles = forms.TypedMultipleChoiceField(label=gettext_lazy("Roles"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["roles"].choices = import_string(settings.ROLES_OF)(self.actor.org_id)  # type: ignore[attr-defined]


class ViewStarts(FormPage):
    """Let a list open with a shared view for the people of some roles."""

    verb = "base.start_views"
    title = gettext_lazy("The list opens with it for")
    form = StartForm

    def find(self, **kwargs: Any) -> Any:
        return get_row(visible(self.actor, SavedView).filter(shared=True), kwargs["pk"])

    def initial(self, obj: Any) -> dict[str, Any]:
        return {"roles": saved.started_roles(obj, actor=self.actor)}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: Any) -> Any:
        return saved.start_roles(obj.pk, cleaned["roles"], actor=self.actor)

    def done(self, result: Any) -> str:
        return _address(result)


@door("base.views")
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget one's own view; the toast brings it back."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    view = saved.remove_view(pk, actor=request.actor)  # type: ignore[attr-defined]
    ticks = {"shared": "1" if view.shared else "", "first": "1" if getattr(view, "mine", False) else ""}
    fields = {"place": view.place, "query": view.query, "name": view.name, **ticks}
    undo = Button(_("Undo"), reverse("views"), post=True, fields=fields)
    return go(request, f"{view.place}?{view.query}", _("The view “{name}” is removed.").format(name=view.name), undo=undo)


@door("base.views")
def first(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the list open with this view, or no longer."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    on = bool(request.POST.get("first"))
    view = saved.prefer_view(pk, on, actor=request.actor)  # type: ignore[attr-defined]
    undo = Button(_("Undo"), reverse("view_first", args=[pk]), post=True, fields={"first": "" if on else "1"})
    said = _("The list opens with “{name}”.") if on else _("The list no longer opens with “{name}”.")
    return go(request, _address(view), said.format(name=view.name), undo=undo)


routes = [
    path("views/", save, name="views"),
    path("views/<int:pk>/", ViewChange.as_view(), name="view"),
    path("views/<int:pk>/removal", remove, name="view_removal"),
    path("views/<int:pk>/roles", ViewStarts.as_view(), name="view_roles"),
    path("views/<int:pk>/first", first, name="view_first"),
]
