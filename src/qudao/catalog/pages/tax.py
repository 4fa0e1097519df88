"""Tax classes: the list, a new one, the usual ones, and a new rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.html.forms import Form
from qudao.base.html.pages import Button, FormPage, ListPage, NoFields
from qudao.catalog import actions, queries
from qudao.catalog.forms import TaxClassForm, TaxRateForm
from qudao.catalog.models import TaxClass
from qudao.catalog.rules import TaxClassDraft
from qudao.catalog.tables import TaxClassTable
from qudao.kernel.errors import NotFound


class TaxClassList(ListPage):
    """The tax classes the reader may see, with their rates today."""

    verb = "catalog.view"
    query = queries.tax_classes
    table = TaxClassTable
    title = gettext_lazy("Tax classes")

    @property
    def back(self) -> str:  # type: ignore[override]
        return reverse("products")

    def buttons(self) -> Sequence[Button]:
        return [
            Button(_("Usual classes"), reverse("tax_class_usual"), icon="copy", verb="catalog.edit", ask=True),
            Button(_("New tax class"), reverse("tax_class_new"), icon="plus", primary=True, verb="catalog.edit", ask=True, key="n"),
        ]


class TaxClassNew(FormPage):
    """A class with its first rate."""

    verb = "catalog.edit"
    form: type[Form] = TaxClassForm
    title = submit = gettext_lazy("New tax class")
    said = gettext_lazy("The tax class is registered.")

    @property
    def back(self) -> str:  # type: ignore[override]
        return reverse("tax_classes")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.register_tax_class(self.actor.org_id, TaxClassDraft(**cleaned), actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        return self.back


class TaxClassUsual(TaxClassNew):
    """VAT 13, 9, 6, 0 % and exempt, as far as they are missing."""

    form = NoFields
    title = submit = gettext_lazy("Usual classes")
    said = gettext_lazy("VAT 13, 9, 6, 0 % and exempt are there.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.adopt_vat(self.actor.org_id, actor=self.actor, client_id=client_id)


class TaxClassRate(TaxClassNew):
    """Another rate from a day on."""

    form = TaxRateForm
    title = submit = gettext_lazy("Change tax rate")
    said = gettext_lazy("The tax rate is saved.")

    def find(self, **kwargs: Any) -> TaxClass:
        found = queries.tax_classes(self.actor).filter(pk=kwargs["pk"]).first()
        if found is None:
            raise NotFound("base.not_found")
        return found

    def initial(self, obj: Any) -> dict[str, Any]:
        return {}

    def perform(self, obj: TaxClass, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.set_tax_rate(obj.pk, **cleaned, actor=self.actor, client_id=client_id)


routes = [
    path("tax-classes/", TaxClassList.as_view(), name="tax_classes"),
    path("tax-classes/new", TaxClassNew.as_view(), name="tax_class_new"),
    path("tax-classes/usual", TaxClassUsual.as_view(), name="tax_class_usual"),
    path("tax-classes/<int:pk>/rates", TaxClassRate.as_view(), name="tax_class_rate"),
]
