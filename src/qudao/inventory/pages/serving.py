"""Who is served out of which warehouses: the list of rules, and the pages of the two verbs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.html.pages import ActionPage, Button, FormPage, ListPage, import_buttons
from qudao.inventory import actions, queries
from qudao.inventory.forms import ServingForm
from qudao.inventory.models import ServingRule
from qudao.inventory.tables import ServingTable, whom_of

VERB = "inventory.manage_places"


class ServingList(ListPage):
    """The rules in sight."""

    verb = "inventory.view"
    query = queries.serving_rules
    table = ServingTable
    title = gettext_lazy("Who is served from where")

    def buttons(self) -> Sequence[Button]:
        new = Button(_("New rule"), reverse("serving_rule_new"), icon="plus", primary=True, verb=VERB, key="n")
        return [*import_buttons("inventory.serving", self.actor), new]

    def prepare(self, rows: list[Any]) -> list[Any]:
        names = queries.places_named(self.actor, rows)
        for row in rows:
            row.shown_places = " → ".join(names.get(pk, "") for pk in row.place_ids)
        return rows


class ServingNew(FormPage):
    """Say who is served from where; for somebody who has a rule it replaces the rule."""

    verb = VERB
    form = ServingForm
    title = gettext_lazy("Who is served from where")
    submit = gettext_lazy("Save")
    said = gettext_lazy("The rule is saved; it holds for new orders.")
    above = "serving_rules"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        whom, places = queries.whom_typed(cleaned, self.actor), queries.places_typed(cleaned["places"], self.actor)
        actions.set_serving(whom, places, cleaned["splits"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class ServingRemoval(ActionPage):
    """Take a rule away."""

    verb = VERB
    query = queries.serving_rules
    action = actions.drop_serving
    title = submit = gettext_lazy("Remove the rule")
    said = gettext_lazy("The rule is gone; the next one counts for new orders.")
    danger = True
    above = "serving_rules"

    def says(self, obj: ServingRule) -> Any:
        return whom_of(obj)

    def done(self, result: Any) -> str:
        return reverse("serving_rules")


routes = [
    path("serving-rules/", ServingList.as_view(), name="serving_rules"),
    path("serving-rules/new", ServingNew.as_view(), name="serving_rule_new"),
    path("serving-rules/<int:pk>/removal", ServingRemoval.as_view(), name="serving_rule_removal"),
]
