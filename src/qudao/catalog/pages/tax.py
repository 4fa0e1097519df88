"""Tax classes: the list, one with its rates by day, a new one, the usual ones, and a new rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.access import policy_of
from qudao.base.html import figures
from qudao.base.html.forms import Form
from qudao.base.html.pages import Button, DetailPage, FormPage, Head, ListPage, NoFields, Panel, import_buttons
from qudao.catalog import actions, queries
from qudao.catalog.forms import BrandForm, TaxClassForm, TaxRateForm
from qudao.catalog.models import TaxClass
from qudao.catalog.pages.related import names_panel
from qudao.catalog.rules import BrandDraft, TaxClassDraft
from qudao.catalog.tables import TaxClassTable, name_of
from qudao.kernel import clock


class TaxClassList(ListPage):
    """The tax classes the reader may see, with their rates today."""

    verb = "catalog.view"
    query = queries.tax_classes
    table = TaxClassTable
    title = gettext_lazy("Tax classes")
    above = "products"

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("catalog.tax_classes", self.actor),
            Button(_("Usual classes"), reverse("tax_class_usual"), icon="copy", verb="catalog.edit", ask=True),
            Button(_("New tax class"), reverse("tax_class_new"), icon="plus", primary=True, verb="catalog.edit", ask=True, key="n"),
        ]


class TaxClassNew(FormPage):
    """A class with its first rate."""

    verb = "catalog.edit"
    form: type[Form] = TaxClassForm
    title = submit = gettext_lazy("New tax class")
    said = gettext_lazy("The tax class is registered.")
    above = "tax_classes"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.register_tax_class(self.actor.org_id, TaxClassDraft(**cleaned), actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        return self.back


class TaxClassUsual(TaxClassNew):
    """VAT 13, 9, 6, 0 % and exempt, as far as they are missing."""

    form = NoFields
    title = submit = gettext_lazy("Usual classes")
    said = gettext_lazy("VAT 13, 9, 6, 0 % and exempt are there.")
    danger_text = gettext_lazy("Classes for VAT 13, 9, 6 and 0 % and for what is exempt are added; those that you have already stay as they are.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.adopt_vat(self.actor.org_id, actor=self.actor, client_id=client_id)


def rates_panel(request: HttpRequest, tax_class: TaxClass) -> Panel:
    """Its rates, the newest first."""
    actor, today = request.actor, clock.today()  # type: ignore[attr-defined]
    items = [
        {"label": f"{(one.rate * 100).normalize():f} %", "facts": [_("not yet")] if one.valid_from > today else [], "end": figures.day(one.valid_from)}
        for one in queries.tax_rates(actor).filter(tax_class=tax_class).order_by("-valid_from")
    ]
    return Panel(_("Rates"), "parts/panel_items.html", {"items": items, "empty": ""}, note=_("Exempt") if tax_class.exempt else "")


class TaxClassDetail(DetailPage):
    """One class with its rates by day."""

    verb = "catalog.view"
    query = queries.tax_classes
    kind = "catalog.tax_class"
    panels = (names_panel, rates_panel)
    above = "tax_classes"

    def head(self, obj: TaxClass) -> Head:
        return Head(obj.code, None, name_of(obj))

    def buttons(self, obj: TaxClass) -> Sequence[Button]:
        if not policy_of(TaxClass).may(self.actor, "catalog.edit", obj):
            return []
        found = [Button(_("Change"), reverse("tax_class_change", args=[obj.pk]), icon="pencil", verb="catalog.edit", ask=True)]
        if not obj.exempt:
            to = reverse("tax_class_rate", args=[obj.pk])
            found.append(Button(_("Change tax rate"), to, icon="receipt-2", primary=True, verb="catalog.edit", ask=True, key="e"))
        return found


class TaxClassChange(TaxClassNew):
    """Another code, other names."""

    form = BrandForm
    title = gettext_lazy("Change tax class")
    submit = gettext_lazy("Save")
    said = gettext_lazy("The changes are saved.")

    def find(self, **kwargs: Any) -> TaxClass:
        return queries.tax_class(self.actor, kwargs["pk"], self.verb)

    def perform(self, obj: TaxClass, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.change_tax_class(obj.pk, BrandDraft(**cleaned), actor=self.actor, client_id=client_id)

    def done(self, result: TaxClass) -> str:
        return result.get_absolute_url()


class TaxClassRate(TaxClassNew):
    """Another rate from a day on."""

    form = TaxRateForm
    title = submit = gettext_lazy("Change tax rate")
    said = gettext_lazy("The tax rate is saved.")

    def find(self, **kwargs: Any) -> TaxClass:
        return queries.tax_class(self.actor, kwargs["pk"], self.verb)

    def initial(self, obj: Any) -> dict[str, Any]:
        return {}

    def perform(self, obj: TaxClass, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.set_tax_rate(obj.pk, **cleaned, actor=self.actor, client_id=client_id)

    def done(self, result: TaxClass) -> str:
        return result.get_absolute_url()


routes = [
    path("tax-classes/", TaxClassList.as_view(), name="tax_classes"),
    path("tax-classes/new", TaxClassNew.as_view(), name="tax_class_new"),
    path("tax-classes/usual", TaxClassUsual.as_view(), name="tax_class_usual"),
    path("tax-classes/<int:pk>/", TaxClassDetail.as_view(), name="tax_class"),
    path("tax-classes/<int:pk>/change", TaxClassChange.as_view(), name="tax_class_change"),
    path("tax-classes/<int:pk>/rates", TaxClassRate.as_view(), name="tax_class_rate"),
]
