"""One search over everything a person may see: documents by number, parties and products by code, name and pinyin initials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from qudao.base.access import Actor, visible
from qudao.base.html.tables import by_language
from qudao.billing.models import Invoice
from qudao.catalog.queries import products
from qudao.fulfilment.models import Shipment
from qudao.network.models import Organisation
from qudao.orders.models import Order
from qudao.orders.queries import orders
from qudao.payments.models import Payment

#: hits shown of each kind
MOST = 8


@dataclass(frozen=True)
class Hit:
    """One thing found: what it is, its number or code, its name, and where it is."""

    label: str
    note: str
    url: str


@dataclass(frozen=True)
class Group:
    """The hits of one kind."""

    title: Any
    hits: list[Hit]


def _numbered(rows: QuerySet, words: str, more: Q | None = None) -> QuerySet:
    """Documents by the beginning or the end of their number, or by what else they are known by."""
    known = Q(number__istartswith=words) | Q(number__iendswith=words)
    return rows.filter(known | more if more else known).order_by("-id")


def find(actor: Actor, words: str) -> list[Group]:
    """What matches, by kind; at most six statements, each stopped after a few rows."""
    kinds: list[tuple[str, Any, Callable[[], QuerySet], Callable[[Any], Hit]]] = [
        ("orders.view", _("Orders"), lambda: _numbered(orders(actor), words, Q(po_number__istartswith=words)), _order),
        ("fulfilment.view", _("Shipments"), lambda: _numbered(visible(actor, Shipment), words).select_related("buyer"), _document),
        ("billing.view", _("Invoices"), lambda: _numbered(visible(actor, Invoice), words).select_related("buyer"), _document),
        ("payments.view", _("Payments"), lambda: _numbered(visible(actor, Payment), words).select_related("buyer"), _document),
        ("network.view", _("Organisations"), lambda: _organisations(actor, words), _party),
        ("catalog.view", _("Products"), lambda: products(actor, search=words), _party),
    ]
    groups = []
    for verb, title, rows, hit in kinds:
        found = [hit(row) for row in rows()[:MOST]] if actor.can(verb) else []
        if found:
            groups.append(Group(title, found))
    return groups


def _organisations(actor: Actor, words: str) -> QuerySet:
    return visible(actor, Organisation).filter(Q(code__istartswith=words) | Q(name__icontains=words) | Q(name_en__icontains=words)).order_by("code")


def _order(row: Order) -> Hit:
    return Hit(str(row), f"{by_language(row.buyer.name, row.buyer.name_en)}, {row.get_status_display()}", row.get_absolute_url())


def _document(row: Any) -> Hit:
    url = row.get_absolute_url() if hasattr(row, "get_absolute_url") else ""
    return Hit(row.number, f"{by_language(row.buyer.name, row.buyer.name_en)}, {row.get_state_display()}", url)


def _party(row: Any) -> Hit:
    return Hit(row.code, by_language(row.name, row.name_en), row.get_absolute_url() if hasattr(row, "get_absolute_url") else "")
