"""One search over everything a person may see: documents by any part of their number, parties and products by code, name and pinyin."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.agreements.models import Agreement
from qudao.agreements.states import AgreementState
from qudao.base.access import Actor, Scope, sees_prices, visible
from qudao.base.html import figures
from qudao.base.html.tables import by_language, join
from qudao.base.search import AMOUNT, NUMBER, Reach, candidates, folded_barcode, words_of
from qudao.billing.models import Collective, Invoice
from qudao.catalog.models import Audience, Pack, Product
from qudao.fulfilment.models import Package, Shipment
from qudao.kernel.gs1 import scanned
from qudao.network.models import Organisation
from qudao.network.rules import ids_of
from qudao.orders.models import Order
from qudao.payments.models import Payment

#: hits shown of each kind
MOST = 8
#: an own branch of more organisations than this is looked through as everything is; the policy still decides what is shown
MOST_OWN = 2000


@dataclass(frozen=True)
class Hit:
    """One thing found: what it is, its number or code, its name, and where it is. `exact` = what was typed is all of its number or amount."""

    label: str
    note: Any
    url: str
    icon: str = ""
    exact: bool = False


@dataclass(frozen=True)
class Group:
    """The hits of one kind."""

    title: Any
    hits: list[Hit]


@dataclass(frozen=True)
class Kind:
    """A kind of thing that is found: its table, where its pages are, how a hit is told."""

    kind: str
    title: Any
    model: type[Model]
    verb: str
    address: str
    icon: str
    related: tuple[str, ...]
    #: organisations are sides of these; catalogues are open to more than their own branch
    document: bool = True
    amounts: bool = False


KINDS = (
    Kind("orders.order", gettext_lazy("Orders"), Order, "orders.view", "orders", "receipt", ("buyer", "seller"), amounts=True),
    Kind("fulfilment.shipment", gettext_lazy("Shipments"), Shipment, "fulfilment.view", "shipments", "truck", ("buyer", "seller")),
    Kind(
        "billing.collective", gettext_lazy("Collective invoices"), Collective, "billing.view", "collective-invoices", "copy", ("buyer", "seller"), amounts=True
    ),
    Kind("billing.invoice", gettext_lazy("Invoices"), Invoice, "billing.view", "invoices", "file-invoice", ("buyer", "seller"), amounts=True),
    Kind("payments.payment", gettext_lazy("Payments"), Payment, "payments.view", "payments", "cash", ("buyer", "seller"), amounts=True),
    Kind("network.organisation", gettext_lazy("Organisations"), Organisation, "network.view", "organisations", "building-store", (), document=False),
    Kind("fulfilment.package", gettext_lazy("Parcels"), Package, "fulfilment.view", "parcels", "package", ("shipment__buyer", "shipment__seller")),
    Kind("catalog.product", gettext_lazy("Products"), Product, "catalog.view", "products", "package", (), document=False),
)
_ADDRESS = re.compile(r"^/([\w-]+)/(\d{1,18})/$")


def _reaches(actor: Actor, kinds: Sequence[Kind]) -> list[Reach]:
    """Among whose entries to look for this actor. At most two statements; none for those who see everything."""
    if actor.scope == Scope.ALL:
        return [Reach(k.kind, newest=k.document, amounts=k.amounts) for k in kinds]
    own: list[int] | None = [actor.org_id]
    if actor.scope == Scope.BRANCH:
        own = list(Organisation.unscoped.filter(path__startswith=actor.org_path).values_list("pk", flat=True)[: MOST_OWN + 1])
        own = own if len(own) <= MOST_OWN else None
    opened = Audience.unscoped.filter(viewer_id=actor.org_id).values_list("owner_id", flat=True) if any(not k.document for k in kinds) else ()
    more = [*own, *ids_of(actor.org_path), *opened] if own is not None else None
    return [Reach(k.kind, own if k.document else more, newest=k.document, amounts=k.amounts) for k in kinds]


def find(actor: Actor, typed: str) -> list[Group]:
    """What matches, by kind, the best first: exact numbers, exact amounts, beginnings, the newest. At most ten statements."""
    kinds = [k for k in KINDS if actor.can(k.verb)]
    typed = scanned(typed)
    found = candidates(_reaches(actor, kinds), folded_barcode(typed), MOST)
    words = " ".join(words_of(typed))
    boxed = _boxed(actor, words)
    groups = []
    for kind in kinds:
        ways = found.get(kind.kind, {}) | ({key: {NUMBER} for key in boxed} if kind.model is Product else {})
        hits = _hits(actor, kind, ways, words) if ways else []
        if hits:
            groups.append(Group(kind.title, hits[:MOST]))
    return groups


def _boxed(actor: Actor, words: str) -> list[int]:
    """The products that have this barcode, or whose pack has it. One statement, for digits only."""
    if not (words.isdigit() and len(words) >= 8 and actor.can("catalog.view")):
        return []
    gtin = words.zfill(14)
    packs = visible(actor, Pack).filter(gtin=gtin).values("product_id")
    return list(visible(actor, Product).filter(Q(gtin=gtin) | Q(pk__in=packs)).order_by("pk").values_list("pk", flat=True)[:MOST])


def _hits(actor: Actor, kind: Kind, ways: Mapping[int, set[int]], words: str) -> list[Hit]:
    """These rows as far as the actor sees them, in the order given, exact ones and those that begin so first. One statement."""
    rows: QuerySet = visible(actor, kind.model).filter(pk__in=list(ways))
    by_id = {row.pk: row for row in (rows.select_related(*kind.related) if kind.related else rows)}
    told = [_told(actor, kind, by_id[pk], how) for pk, how in ways.items() if pk in by_id]
    return sorted(filter(None, told), key=lambda hit: (not hit.exact, not hit.label.upper().startswith(words) if words else False))


def _told(actor: Actor, kind: Kind, row: Any, how: set[int]) -> Hit | None:
    """A row as a hit; None when only its amount was met and the actor may not see that: a guess must not be confirmed."""
    if not kind.document:
        return Hit(row.code, by_language(row.name, row.name_en), row.get_absolute_url(), kind.icon, NUMBER in how)
    clear = sees_prices(actor, row.seller_id, row.buyer_id)
    if not clear and how == {AMOUNT}:
        return None
    other = row.seller if actor.org_id == row.buyer_id else row.buyer
    state = getattr(row, "get_status_display", None) or getattr(row, "get_state_display", str)
    amount = getattr(row, "gross", getattr(row, "amount", None))
    shown = figures.money(amount, row.currency) if amount is not None and clear else ""
    exact = NUMBER in how or (AMOUNT in how and clear)
    return Hit(str(row), join(by_language(other.name, other.name_en), state(), shown), row.get_absolute_url(), kind.icon, exact)


def opened(actor: Actor, addresses: Sequence[str]) -> list[Hit]:
    """The pages of documents, parties and products that somebody opened lately, as far as the actor still sees them. One statement a kind."""
    asked = [match.groups() for match in map(_ADDRESS.match, addresses[:MOST]) if match]
    found: dict[str, Hit] = {}
    for kind in KINDS:
        ids = [int(pk) for address, pk in asked if address == kind.address]
        for hit in _hits(actor, kind, {pk: set() for pk in ids}, "") if ids and actor.can(kind.verb) else []:
            found[hit.url] = hit
    return [found[a] for a in addresses[:MOST] if a in found]


def order_hits(actor: Actor, typed: str, address: Callable[[int], str]) -> list[Hit]:
    """A “new order” for each party that was typed and with whom the actor may order: as its buyer, or for it as its seller's clerk. Three statements."""
    words = " ".join(w for w in words_of(typed) if w not in _ORDER_WORDS)
    buys, sells = actor.can("orders.place"), actor.can("orders.place_for")
    if not words or not (buys or sells) or not actor.can("agreements.view"):
        return []
    reach = [replace(one, kind="network.organisation") for one in _reaches(actor, [one for one in KINDS if one.model is Organisation])]
    parties = list(candidates(reach, words, MOST).get("network.organisation", {}))
    if not parties:
        return []
    sides: Any = Q(pk__in=[])
    if buys:
        sides |= Q(buyer_id=actor.org_id, seller_id__in=parties)
    if sells:
        sides |= Q(seller_id=actor.org_id, buyer_id__in=parties)
    rows = visible(actor, Agreement).filter(sides, state=AgreementState.ACTIVE, transfers=False).select_related("seller", "buyer")[:4]
    hits = []
    for row in rows:
        other = row.seller if row.buyer_id == actor.org_id else row.buyer
        label = _("New order: {name}").format(name=by_language(other.name, other.name_en))
        hits.append(Hit(label, row.code, address(row.pk), "plus"))
    return hits


#: what one types before a name when one wants to order; not part of the name
_ORDER_WORDS = {"NEW", "ORDER", "新", "新建", "订单", "新建订单", "下单", "FOR"}
