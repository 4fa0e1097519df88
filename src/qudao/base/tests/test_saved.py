"""Saved views say where to look and never what is seen; a toast takes back; a cell is never overwritten unseen."""

import pytest
from django.contrib.messages.storage.base import Message
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import translation

from qudao.base import pages as kit
from qudao.base import saved
from qudao.base.access import Scope
from qudao.base.html.cells import save_cell
from qudao.base.html.pages import views
from qudao.base.models import Delivery, SavedView
from qudao.base.saved import ViewFacts
from qudao.base.tests.test_html import ask, person
from qudao.base.tests.test_runs import ANN, VERBS, Deliveries, deliveries
from qudao.kernel.errors import NotFound, Refused

pytestmark = [pytest.mark.django_db, pytest.mark.urls("qudao.base.tests.test_html")]


def test_a_view_is_kept_shown_shared_and_removed():
    view = saved.save_view("/deliveries/", "sort=handler&tab=all&page=3", ViewFacts("All of them"), actor=ANN)
    assert view.query == "sort=handler&tab=all"
    page = ask(Deliveries.as_view(), ANN, f"/deliveries/?tab=all&sort=handler&view={view.pk}").content.decode()
    assert "All of them" in page and ">changed<" not in page
    assert ">changed<" in ask(Deliveries.as_view(), ANN, f"/deliveries/?tab=open&view={view.pk}").content.decode()
    colleague = person(*VERBS, org=1)
    colleague = colleague.__class__(**{**colleague.__dict__, "user_id": 77})
    assert not saved.views(colleague, "/deliveries/").exists()
    saved.change_view(view.pk, ViewFacts("Shared", shared=True), actor=ANN)
    assert saved.views(colleague, "/deliveries/").get().name == "Shared"
    for act in (lambda: saved.change_view(view.pk, ViewFacts("Mine"), actor=colleague), lambda: saved.remove_view(view.pk, actor=colleague)):
        with pytest.raises(NotFound):
            act()
    assert not saved.views(person(*VERBS, org=2), "/deliveries/").exists()
    with pytest.raises(Refused):
        saved.save_view("/deliveries/", "", ViewFacts("  "), actor=ANN)
    saved.remove_view(view.pk, actor=ANN)
    assert not SavedView.unscoped.exists()


def test_a_list_opens_with_the_preferred_view():
    view = saved.save_view("/deliveries/", "tab=all", ViewFacts("First"), actor=ANN)
    assert ask(Deliveries.as_view(), ANN, "/deliveries/").status_code == 200
    saved.prefer_view(view.pk, True, actor=ANN)
    assert ask(Deliveries.as_view(), ANN, "/deliveries/")["Location"] == f"?tab=all&view={view.pk}"
    assert ask(Deliveries.as_view(), ANN, "/deliveries/?tab=open").status_code == 200
    assert ask(Deliveries.as_view(), ANN, f"/deliveries/?view={view.pk}")["Location"] == f"?tab=all&view={view.pk}"
    saved.prefer_view(view.pk, False, actor=ANN)
    assert ask(Deliveries.as_view(), ANN, "/deliveries/").status_code == 200
    with pytest.raises(NotFound):
        saved.prefer_view(view.pk, True, actor=person(*VERBS, org=2))


def test_a_colleague_without_rights_opens_the_link_of_a_view():
    view = saved.save_view("/deliveries/", "tab=all", ViewFacts("Shared", shared=True), actor=ANN)
    deliveries("a")
    reader = person("base.operate", scope=Scope.ORG)
    page = ask(Deliveries.as_view(), reader, f"/deliveries/?tab=all&view={view.pk}")
    assert page.status_code == 200 and "/deliveries/1" not in page.content.decode()


def test_removing_a_view_can_be_undone():
    ask(views.save, ANN, "/views/", {"place": "/deliveries/", "query": "tab=all", "name": "Mine", "shared": "1"})
    view = SavedView.unscoped.get()
    answer = ask(views.remove, ANN, "/", {}, pk=view.pk)
    assert answer["Location"] == "/deliveries/?tab=all" and not SavedView.unscoped.exists()
    back = ask(views.save, ANN, "/views/", {"place": "/deliveries/", "query": "tab=all", "name": "Mine", "back_to": "/here/"})
    assert back["Location"] == "/here/" and SavedView.unscoped.get().query == "tab=all"
    assert ask(views.save, ANN, "/views/", {"place": "/deliveries/", "name": "Other", "back_to": "https://evil.example/"})["Location"].startswith(
        "/deliveries/"
    )


def test_a_toast_carries_the_way_back():
    message = Message(25, "Removed.", extra_tags='{"url": "/views/", "fields": {"name": "Mine"}}')
    with translation.override("en"):
        toast = render_to_string("parts/toasts.html", {"messages": [message]})
    assert 'action="/views/"' in toast and 'name="name" value="Mine"' in toast and "Undo" in toast and "data-undo" in toast
    assert "<form" not in render_to_string("parts/toasts.html", {"messages": [Message(25, "Saved.", extra_tags="")]})


# --- cells ---


def cell(pk, **values):
    asked = QueryDict(mutable=True)
    asked.update({"row": str(pk), "column": "error", **values})
    return asked


def test_a_cell_is_changed_by_its_action_and_nobody_is_overwritten_unseen():
    (pk,) = deliveries("a", error="old")
    page = Deliveries.standing_for(ANN)
    assert save_cell(page, cell(pk), change=False).raw == "old"
    assert save_cell(page, cell(pk, to="new", was="old"), change=True).raw == "new"
    late = save_cell(page, cell(pk, to="mine", was="old"), change=True)
    assert (late.status, late.theirs, late.typed) == (409, "new", "mine") and "new" in late.fault and "mine" in late.fault
    assert save_cell(page, cell(pk, to="far too long a value", was="new"), change=True).status == 422
    refused = save_cell(page, cell(pk, to="no", was="new"), change=True)
    assert refused.status == 422 and Delivery.unscoped.get(pk=pk).error == "new"
    for wrong in (cell(pk, column="handler"), cell(10**9), cell("x")):
        with pytest.raises(NotFound):
            save_cell(page, wrong, change=True)
    answer = ask(kit.cell, ANN, "/cells/", {"page": Deliveries.signed_path(), "row": pk, "column": "error", "to": "page", "was": "new"}, htmx="cell")
    assert answer.status_code == 200 and 'data-raw="page"' in answer.content.decode()
