"""The list of quotas."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.html import figures
from qudao.base.html.tables import Column, Filter, Tab, Table, by_language
from qudao.kernel import clock
from qudao.quotas.models import Quota
from qudao.quotas.states import Unused


def name_of(row: Any) -> str:
    """A name in the reader's language."""
    return by_language(row.name, row.name_en)


def _qty(name: str) -> Any:
    def cell(row: Quota) -> str:
        value: Decimal = getattr(row, name)
        return figures.qty(value, row.product.unit)

    return cell


def _product(row: Quota) -> str:
    return name_of(row.product)


def _of_share(name: str) -> Any:
    def cell(row: Any) -> str:
        return figures.qty(getattr(row, name), row.quota.product.unit)

    return cell


class ShareTable(Table):
    """Who has what of what is scarce, ordered and left."""

    columns = (
        Column("quota.product.code", _("Product"), cell="code", sort="quota__product__code"),
        Column("", pgettext_lazy("quota", "Who"), cell=lambda row: (row.group or row.buyer).code, slug="holder"),
        Column("", _("Name"), cell=lambda row: name_of(row.group or row.buyer), slug="name", width="clip", dim=True),
        Column("quota.valid_from", pgettext_lazy("quota", "From"), cell="day", sort="quota__valid_from", hide_on_phone=True),
        Column("quota.valid_to", pgettext_lazy("quota", "To"), cell="day", sort="quota__valid_to", hide_on_phone=True),
        Column("", _("Share"), cell=_of_share("qty"), num=True, slug="qty", hide_on_phone=True),
        Column("", _("Carried over"), cell=_of_share("carried"), num=True, slug="carried", dim=True, hide_on_phone=True),
        Column("", pgettext_lazy("quota", "Ordered"), cell=_of_share("taken"), num=True, slug="taken", hide_on_phone=True),
        Column("", _("Left"), cell=_of_share("left"), num=True, slug="left"),
    )
    tabs = (
        Tab("today", _("Today"), lambda actor: Q(quota__valid_from__lte=clock.today(), quota__valid_to__gte=clock.today())),
        Tab("planned", _("Planned"), lambda actor: Q(quota__valid_from__gt=clock.today())),
        Tab("past", _("Past"), lambda actor: Q(quota__valid_to__lt=clock.today())),
        Tab("all", _("All")),
    )
    search = ("quota__product__code__icontains", "group__code__icontains", "buyer__code__icontains", "buyer__name__icontains")
    order = ("-quota__valid_from", "quota__product__code", "pk")
    empty = _("Nobody has a share.")
    remedy = _("Declare a product scarce, then set its shares or read them from a file.")


class QuotaTable(Table):
    """Quotas, the newest first."""

    columns = (
        Column("product.code", _("Product"), cell="link", sort="product__code"),
        Column("", _("Name"), cell=_product, sort="product__name", slug="name", width="clip"),
        Column("valid_from", pgettext_lazy("quota", "From"), cell="day", sort="valid_from", hide_on_phone=True),
        Column("valid_to", pgettext_lazy("quota", "To"), cell="day", sort="valid_to"),
        Column("", _("Quantity"), cell=_qty("total"), num=True, slug="total", hide_on_phone=True),
        Column("", pgettext_lazy("quota", "Ordered"), cell=_qty("taken"), num=True, slug="taken", hide_on_phone=True),
        Column("", _("Left"), cell=_qty("left"), num=True, slug="left"),
        Column("", _("What is unused"), cell=lambda row: Unused(row.unused).label, dim=True, hide_on_phone=True, slug="unused"),
    )
    tabs = (
        Tab("today", _("Today"), lambda actor: Q(valid_from__lte=clock.today(), valid_to__gte=clock.today())),
        Tab("planned", _("Planned"), lambda actor: Q(valid_from__gt=clock.today())),
        Tab("past", _("Past"), lambda actor: Q(valid_to__lt=clock.today())),
        Tab("all", _("All")),
    )
    filters = (Filter("unused", _("What is unused"), choices=Unused.choices),)
    search = ("product__code__icontains", "product__name__icontains", "product__name_en__icontains")
    order = ("-valid_from", "product__code", "pk")
    empty = _("No product is declared scarce here.")
    remedy = _("Declare what there is not enough of, and who may order how much.")
