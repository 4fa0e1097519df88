"""Forms about a basket: what is said of the whole order, order again, templates, a file of lines, and emptying it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from qudao.base import sheets
from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.forms import Form
from qudao.base.html.pages import ActionPage, Button, FormPage
from qudao.baskets import actions
from qudao.baskets.actions.fill import BasketFacts
from qudao.baskets.queries import Basket, Template, baskets, templates
from qudao.baskets.rules import MOST_LINES
from qudao.kernel.errors import Invalid
from qudao.network.queries import addresses
from qudao.orders.queries import Order, purchases
from qudao.orders.states import CHOSEN, Kind
from qudao.portal.forms import offer_addresses
from qudao.portal.pages.shop import require_trade
from qudao.portal.queries.shop import read_entries
from qudao.portal.rules import lines_in


class BasketForm(Form):
    """What is said of the whole order."""

    layout = "pair"

    requested_on = forms.DateField(label=gettext_lazy("Requested delivery"), required=False)
    po_number = forms.CharField(label=gettext_lazy("Your own order number"), required=False, max_length=40)
    kind = forms.ChoiceField(label=gettext_lazy("Type"), choices=CHOSEN, required=False)
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=500)
    address = forms.ChoiceField(label=gettext_lazy("Delivery address"), required=False, widget=forms.Select(attrs={"data-wide": "1"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_addresses(self, list(addresses(self.actor, self.actor.org_id)))

    @property
    def facts(self) -> BasketFacts:
        """What was said."""
        said = dict(self.cleaned_data)
        chosen = said.pop("address", "")
        kind = said.pop("kind") or Kind.REGULAR
        return BasketFacts(**said, kind=kind, address_id=int(chosen) if chosen else None)


class LinesFileForm(Form):
    """A file with codes and quantities."""

    file = forms.FileField(
        label=gettext_lazy("File"), widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.xls,.ods,.csv,.txt"}),
        help_text=gettext_lazy("Excel or CSV: code (or barcode) in the first column, quantity in the second. A head row may name them."),
    )  # fmt: skip


class TemplateForm(Form):
    """The name of a template and who may load it."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60, help_text=gettext_lazy("A template of this name that you made is written anew."))
    shared = forms.BooleanField(label=gettext_lazy("My colleagues may load it"), required=False)


def basket_url(agreement_id: int) -> str:
    """The page of the basket under an agreement."""
    return f"{reverse('basket')}?agreement={agreement_id}"


def templates_url(agreement_id: int) -> str:
    """The templates under an agreement."""
    return f"{reverse('shop')}?agreement={agreement_id}&tab=templates"


class Reorder(ActionPage):
    """What an order asked for goes into the basket once more; the next click submits it. POST from any page: `basket_reorder`."""

    verb = "baskets.use"
    query = purchases
    action = actions.reorder
    title = submit = gettext_lazy("Order again")
    said = gettext_lazy("The lines are in the basket, at today's prices.")

    def says(self, obj: Order) -> Any:
        n = obj.line_count
        words = ngettext("{n} line of {number} goes into the basket, at today's price.", "{n} lines of {number} go into the basket, at today's prices.", n)
        return words.format(n=n, number=obj.number)

    def done(self, result: Basket) -> str:
        return basket_url(result.agreement_id)


class BasketClear(ActionPage):
    """Take everything out."""

    verb = "baskets.use"
    query = baskets
    action = actions.clear_basket
    title = submit = gettext_lazy("Empty the basket")
    said = gettext_lazy("The basket is empty now.")
    danger = True

    def says(self, obj: Basket) -> Any:
        return _("All lines are taken out. Save them as a template first if you need them again.")

    def done(self, result: Basket) -> str:
        return basket_url(result.agreement_id)


class BasketFile(FormPage):
    """Lines from a file: what is understood is added, the rest stays as red lines with suggestions, and one file says what is wrong."""

    verb = "baskets.use"
    form = LinesFileForm
    title = gettext_lazy("Lines from a file")
    submit = gettext_lazy("Put in the basket")
    said = gettext_lazy("The lines of the file are in the basket.")

    @property
    def back(self) -> str:
        return basket_url(require_trade(self.request).agreement_id)

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        trade, upload = require_trade(self.request), cleaned["file"]
        found = lines_in(sheets.read(upload.name or "", upload.read()), MOST_LINES)
        if not found:
            raise Invalid("portal.file_empty", field="file")
        if len(found) > MOST_LINES:
            raise Invalid("baskets.too_many_lines", field="file", limit=figures.count(MOST_LINES), number=_("more"))
        entries = read_entries(self.actor, trade, [(code, qty, row) for row, code, qty in found])
        return actions.add_lines(trade.agreement_id, entries, actor=self.actor, client_id=client_id)

    def done(self, result: Basket) -> str:
        return basket_url(result.agreement_id)


class TemplateSave(ActionPage):
    """Keep the lines of a basket under a name."""

    verb = "baskets.use"
    query = baskets
    form = TemplateForm
    title = gettext_lazy("Save as template")
    said = gettext_lazy("The template is saved.")

    def perform(self, obj: Basket, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.save_template(obj.pk, **cleaned, actor=self.actor, client_id=client_id)

    def done(self, result: Template) -> str:
        return basket_url(result.agreement_id)


class TemplateLoad(ActionPage):
    """Put the lines of a template in the basket."""

    verb = "baskets.use"
    query = templates
    action = actions.load_template
    title = submit = gettext_lazy("Put in the basket")
    said = gettext_lazy("The lines are in the basket, at today's prices.")

    def says(self, obj: Template) -> Any:
        return obj.name

    def done(self, result: Basket) -> str:
        return basket_url(result.agreement_id)

    def undo(self, obj: Template, result: Any) -> Button:
        return Button(_("Undo"), reverse("template_unload", args=[obj.pk]), verb="baskets.use")


class TemplateUnload(TemplateLoad):
    """Takes out again what a template put in."""

    action = actions.unload_template
    title = submit = gettext_lazy("Take out of the basket")
    said = gettext_lazy("The lines of the template are out of the basket.")

    def undo(self, obj: Template, result: Any) -> Button:
        return Button(_("Undo"), reverse("template_load", args=[obj.pk]), verb="baskets.use")


def own_templates(actor: Actor) -> QuerySet[Template]:
    """The templates the actor made: only those may be changed."""
    return templates(actor).filter(user_id=actor.user_id)


class TemplateChange(ActionPage):
    """Another name, or shared."""

    verb = "baskets.use"
    query = own_templates
    form = TemplateForm
    title = gettext_lazy("Rename the template")
    said = gettext_lazy("The changes are saved.")

    def initial(self, obj: Template) -> dict[str, Any]:
        return {"name": obj.name, "shared": obj.shared}

    def perform(self, obj: Template, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.change_template(obj.pk, **cleaned, actor=self.actor, client_id=client_id)

    def done(self, result: Template) -> str:
        return templates_url(result.agreement_id)


class TemplateRemoval(ActionPage):
    """Delete a template."""

    verb = "baskets.use"
    query = own_templates
    title = submit = gettext_lazy("Delete the template")
    said = gettext_lazy("The template is deleted.")
    danger = True

    def says(self, obj: Template) -> Any:
        n = obj.number  # type: ignore[attr-defined]
        return ngettext("“{name}” with its {n} line is lost.", "“{name}” with its {n} lines is lost.", n).format(name=obj.name, n=n)

    def perform(self, obj: Template, cleaned: dict[str, Any], client_id: UUID) -> Any:
        actions.remove_template(obj.pk, actor=self.actor, client_id=client_id)
        return obj

    def done(self, result: Template) -> str:
        return templates_url(result.agreement_id)


routes = [
    path("basket/file", BasketFile.as_view(), name="basket_file"),
    path("baskets/<int:pk>/clearing", BasketClear.as_view(), name="basket_clear"),
    path("baskets/<int:pk>/template", TemplateSave.as_view(), name="template_new"),
    path("orders/<int:pk>/again", Reorder.as_view(), name="basket_reorder"),
    path("templates/<int:pk>/loading", TemplateLoad.as_view(), name="template_load"),
    path("templates/<int:pk>/unloading", TemplateUnload.as_view(), name="template_unload"),
    path("templates/<int:pk>/change", TemplateChange.as_view(), name="template_change"),
    path("templates/<int:pk>/removal", TemplateRemoval.as_view(), name="template_removal"),
]
