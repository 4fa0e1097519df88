"""The rows of each kind that the matrix knows, and which of them each role sees; written from the roles of the domain, not from the code it checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.apps import apps
from matrix_world import TRADES, World

from qudao.base.runs import Task, start_run
from qudao.base.saved import ViewFacts, save_view
from qudao.people.queries import unscoped_system_role

#: the people of the brand
HQ = ("hq_admin", "hq_clerk", "hq_finance", "hq_warehouse", "hq_auditor", "hq_channel")
#: who sees which trade, and whose figures; HQ's people see everything, a dealer its own two sides
EVERYTHING = frozenset(TRADES)
SEES: dict[str, frozenset[str]] = {
    **dict.fromkeys(HQ, EVERYTHING),
    **dict.fromkeys(("dealer", "dealer_admin"), frozenset({"t1", "t3"})),
    "own": frozenset(),
    "sub_dealer": frozenset({"t3"}),
    "stranger": frozenset({"t2"}),
}
#: prices of a trade: its two sides, and at HQ whoever holds the grant to see prices between two others (finance does, clerks do not)
SEES_PRICES: dict[str, frozenset[str]] = SEES | dict.fromkeys(("hq_clerk", "hq_warehouse"), frozenset({"t1", "t2"}))
#: who sees the terms of a trade though not its documents: they are needed to work at all
SEES_TERMS: dict[str, frozenset[str]] = {"own": frozenset({"t1", "t3"})}


#: what the two sides of a trade say to each other: nobody above them
SEES_TALK: dict[str, frozenset[str]] = SEES | dict.fromkeys(HQ, frozenset({"t1", "t2"}))
#: what a seller notes for itself
SEES_NOTES: dict[str, frozenset[str]] = dict.fromkeys(HQ, frozenset({"t1", "t2"})) | {
    **dict.fromkeys(("dealer", "dealer_admin"), frozenset({"t3"})), "sub_dealer": frozenset(), "stranger": frozenset(),
}  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """The rows of one kind: key → id, and who sees which keys."""

    ids: Mapping[str, int]
    sees: Mapping[str, frozenset[str]]


def _trade_rows(label: str, sees: Mapping[str, frozenset[str]] = SEES, **of_kind: str) -> Callable[[World], Rows]:
    """Documents with two sides: one row of each trade, of a kind if one is named."""

    def find(world: World) -> Rows:
        model = apps.get_model(label)
        ids = {}
        for key, trade in world.trades.items():
            first = model._default_manager.filter(seller=trade.seller, buyer=trade.buyer, **of_kind).order_by("pk").first()
            assert first is not None, f"the world has no {label} of {key}"
            ids[key] = first.pk
        return Rows(ids, sees)

    return find


def _log(world: World) -> Rows:
    """The first line about an order of each trade: both sides see it."""
    lines = apps.get_model("base.ActionLog")._default_manager.filter(subject_kind="orders.order")
    found = {key: lines.filter(seller_id=trade.seller.pk, buyer_id=trade.buyer.pk).order_by("pk").first() for key, trade in world.trades.items()}
    return Rows({key: line.pk for key, line in found.items() if line}, SEES)


def _organisations(world: World) -> Rows:
    people = world.cast
    everybody = frozenset({"LH", "D001", "D002", "S001"})
    sees = {role: everybody for role in SEES if role.startswith("hq_")}
    sees |= {
        **dict.fromkeys(("dealer", "own"), frozenset({"LH", "D001"})),
        "dealer_admin": frozenset({"LH", "D001", "S001"}),
        "sub_dealer": frozenset({"LH", "D001", "S001"}),
        "stranger": frozenset({"LH", "D002"}),
    }
    return Rows({"D001": people.d001.pk, "D002": people.d002.pk, "S001": people.s001.pk, "LH": people.lh.pk}, sees)


def _people(world: World) -> Rows:
    """Memberships: HQ sees all, a dealer's administrator its branch, a shop owner the shop."""
    ids = {role: world.actor(role).membership_id or 0 for role in ("hq_clerk", "dealer", "sub_dealer", "stranger")}
    everybody = frozenset(ids)
    sees = {role: everybody for role in SEES if role.startswith("hq_")}
    sees |= {"dealer_admin": frozenset({"dealer", "sub_dealer"}), "sub_dealer": frozenset({"sub_dealer"})}
    return Rows(ids, sees)


def _sessions(world: World) -> Rows:
    """Signed-in devices: one's own only."""
    ids = {role: world.sessions[role].pk for role in ("hq_clerk", "dealer", "sub_dealer", "stranger")}
    return Rows(ids, {role: frozenset({role}) for role in ids})


def _tokens(world: World) -> Rows:
    """Tokens: one's own, and of the people whose memberships one may end."""
    ids = {role: world.tokens[role][0].pk for role in ("hq_clerk", "dealer", "sub_dealer", "stranger")}
    return Rows(ids, {role: frozenset({role}) for role in ids} | {"hq_admin": frozenset(ids), "dealer_admin": frozenset({"dealer"})})


def _by_owner(label: str, path: str, sees: Mapping[str, frozenset[str]], **only: object) -> Callable[[World], Rows]:
    """The first row of each organisation: `path` leads to its owner. `sees`: role → codes of owners."""

    def find(world: World) -> Rows:
        model = apps.get_model(label)
        orgs = {"LH": world.cast.lh, "D001": world.cast.d001, "D002": world.cast.d002, "S001": world.cast.s001}
        found = {code: model._default_manager.filter(**{path: org}, **only).order_by("pk").values_list("pk", flat=True).first() for code, org in orgs.items()}
        return Rows({code: pk for code, pk in found.items() if pk}, sees)

    return find


def _of_trade(label: str, path: str, sees: Mapping[str, frozenset[str]]) -> Callable[[World], Rows]:
    """The first row under each trade's agreement."""

    def find(world: World) -> Rows:
        model = apps.get_model(label)
        found = {key: model._default_manager.filter(**{path: t.agreement.pk}).values_list("pk", flat=True).first() for key, t in world.trades.items()}
        return Rows({key: pk for key, pk in found.items() if pk}, sees)

    return find


def price_lists(world: World) -> dict[str, int]:
    """The base list of each seller."""
    model = apps.get_model("pricing.PriceList")
    return {code: model._default_manager.get(owner=org, is_base=True).pk for code, org in (("LH", world.cast.lh), ("D001", world.cast.d001))}


def _accounts(world: World) -> Rows:
    """Accounts are named after the other side: one sees those whom one's own organisation trades with."""
    ids = {"LH": world.cast.lh.pk, "D001": world.cast.d001.pk, "D002": world.cast.d002.pk, "S001": world.cast.s001.pk}
    sees = {role: frozenset({"D001", "D002"}) for role in SEES if role.startswith("hq_")}
    sees |= dict.fromkeys(("dealer", "dealer_admin"), frozenset({"LH", "S001"})) | {"sub_dealer": frozenset({"D001"}), "stranger": frozenset({"LH"})}
    return Rows(ids, sees)


def _small_differences(world: World) -> Rows:
    """The small rest of a payment of each trade that was closed."""
    found = apps.get_model("payments.Application")._default_manager.filter(how="difference")
    ids = {key: found.get(payment__seller=trade.seller, payment__buyer=trade.buyer).pk for key, trade in world.trades.items()}
    return Rows(ids, SEES)


def _shared(world: World) -> Rows:
    """What each seller's buyer could share with those below it: seen as its credit is."""
    limits = apps.get_model("funds.SharedLimit")._default_manager
    return Rows({key: limits.get(seller=trade.seller, head=trade.buyer).pk for key, trade in world.trades.items()}, PRICED)


def _pools(world: World) -> Rows:
    """The payment of HQ for S001: its payer and its seller see the whole, the branch sees its part."""
    return Rows({"t3": apps.get_model("payments.Pool")._default_manager.get().pk}, SEES | {"sub_dealer": frozenset()})


ALL_ORGS = frozenset({"LH", "D001", "D002", "S001"})
#: what stands in an organisation: HQ looks everywhere, a dealer's administrator into its branch
OWN_PLACES = dict.fromkeys(HQ, ALL_ORGS) | {
    **dict.fromkeys(("dealer", "own"), frozenset({"D001"})), "dealer_admin": frozenset({"D001", "S001"}), "sub_dealer": frozenset({"S001"}),
    "stranger": frozenset({"D002"}),
}  # fmt: skip
#: products of LH are seen by whoever may buy them, also one storey further down; those of D002 by D002 and HQ
PRODUCTS = dict.fromkeys(HQ, ALL_ORGS) | {
    **dict.fromkeys(("dealer", "dealer_admin", "own", "sub_dealer"), frozenset({"LH"})), "stranger": frozenset({"LH", "D002"}),
}  # fmt: skip
#: price lists: one's own and one's seller's; those between two others with the grant
LISTS = dict.fromkeys(HQ, frozenset({"LH", "D001"})) | {
    **dict.fromkeys(("hq_clerk", "hq_warehouse"), frozenset({"LH"})), "stranger": frozenset({"LH"}), "sub_dealer": frozenset({"D001"}),
    **dict.fromkeys(("dealer", "dealer_admin", "own"), frozenset({"LH", "D001"})),
}  # fmt: skip
RULES_OF = dict.fromkeys(HQ, frozenset({"LH"})) | dict.fromkeys(("dealer", "dealer_admin", "own"), frozenset({"D001"}))

#: what an owner keeps for itself: groups of buyers, which of them pay by which list
QUOTAS = dict.fromkeys(("hq_admin", "hq_clerk", "hq_auditor", "hq_channel"), frozenset({"LH"})) | {"dealer_admin": frozenset({"D001"})}
KEPT = dict.fromkeys(HQ, frozenset({"LH"})) | dict.fromkeys(("dealer", "dealer_admin", "own"), frozenset({"D001"}))
#: what goods cost an organisation: for those of its people with the grant
COSTS = dict.fromkeys(("hq_admin", "hq_finance", "hq_auditor", "hq_channel"), frozenset({"LH"})) | {"dealer_admin": frozenset({"D001"})}
#: agreements and what hangs on them
TERMS, PRICED = SEES | SEES_TERMS, SEES_PRICES | SEES_TERMS


def _roles(world: World) -> Rows:
    """Roles: the product's, and those of the own organisation; HQ sees its dealers' too."""
    ids = {code: role.pk for code, role in world.roles.items()} | {"system": unscoped_system_role("hq_clerk")}
    everything = frozenset(ids)
    sees = {role: everything for role in SEES if role.startswith("hq_")}
    return Rows(ids, sees | {"dealer_admin": frozenset({"system", "D001"}), "sub_dealer": frozenset({"system"})})


def _notices(world: World) -> Rows:
    """Notices: one's own only."""
    model = apps.get_model("qudao_messages.Notice")
    found = {r: model._default_manager.filter(user_id=world.actor(r).user_id).values_list("pk", flat=True).first() for r in SEES}
    return Rows({role: pk for role, pk in found.items() if pk}, {role: frozenset({role}) for role in found})


def _jobs(world: World) -> Rows:
    """Work on many rows: one's own only."""
    task = Task("qudao.base.pages.RunList", "none", "/jobs/", row_ids=[1])
    ids = {role: start_run(task, actor=world.actor(role)).pk for role in ("hq_clerk", "dealer", "sub_dealer", "stranger")}
    return Rows(ids, {role: frozenset({role}) for role in ids})


def _imports(world: World) -> Rows:
    """Files of opening stock: those of the own organisation, for who receives stock there."""
    model = apps.get_model("base.ImportRun")
    owners = {"LH": world.cast.lh, "D001": world.cast.d001, "D002": world.cast.d002}
    ids = {code: model._default_manager.get(org_id=org.pk).pk for code, org in owners.items()}
    return Rows(ids, {"hq_admin": frozenset({"LH"}), "hq_warehouse": frozenset({"LH"}), "dealer_admin": frozenset({"D001"})})


def _views(world: World) -> Rows:
    """Saved views: changed by their owner only."""
    ids = {role: save_view("/orders/", "tab=to_ship", ViewFacts(role), actor=world.actor(role)).pk for role in ("hq_clerk", "dealer", "sub_dealer", "stranger")}
    return Rows(ids, {role: frozenset({role}) for role in ids})


def _absences(world: World) -> Rows:
    """Absences: of the two people only."""
    model = apps.get_model("approvals.Absence")
    return Rows({"LH": model._default_manager.get().pk}, dict.fromkeys(("hq_clerk", "hq_admin"), frozenset({"LH"})))


def _proposals(world: World) -> Rows:
    """What waits for signatures in the brand's house: who asked for it, and who signs or sees approvals there."""
    model = apps.get_model("approvals.Proposal")
    return Rows({"LH": model._default_manager.get().pk}, dict.fromkeys(("hq_clerk", "hq_admin", "hq_finance", "hq_channel"), frozenset({"LH"})))


def _said(label: str, sides: str, sees: Mapping[str, frozenset[str]]) -> Callable[[World], Rows]:
    """What was said, asked or counted in each trade: `sides` leads to its two organisations."""

    def find(world: World) -> Rows:
        model = apps.get_model(label)
        by_side = {key: {f"{sides}seller_id": t.seller.pk, f"{sides}buyer_id": t.buyer.pk} for key, t in world.trades.items()}
        return Rows({key: model._default_manager.filter(**one).order_by("pk").values_list("pk", flat=True)[0] for key, one in by_side.items()}, sees)

    return find


#: who buys in which trade
BUYERS = {"dealer": "t1", "sub_dealer": "t3", "stranger": "t2"}


def _of_baskets(label: str, user: str) -> Callable[[World], Rows]:
    """Baskets, their lines and private templates: one's own only."""

    def find(world: World) -> Rows:
        model = apps.get_model(label)
        ids = {role: model._default_manager.filter(**{user: world.actor(role).user_id}).values_list("pk", flat=True)[0] for role in BUYERS}
        return Rows(ids, {role: frozenset({role}) for role in ids})

    return find


ROWS: dict[str, Callable[[World], Rows]] = {
    "baskets": _of_baskets("baskets.Basket", "user_id"),
    "basket-lines": _of_baskets("baskets.Line", "basket__user_id"),
    "templates": _of_baskets("baskets.Template", "user_id"),
    "bought": _trade_rows("orders.Order", {role: frozenset({key}) for role, key in (BUYERS | {"dealer_admin": "t1"}).items()}),
    "talk-orders": _trade_rows("orders.Order", SEES_TALK),
    "talk-shipments": _trade_rows("fulfilment.Shipment", SEES_TALK),
    "talk-invoices": _trade_rows("billing.Invoice", SEES_TALK),
    "talk-payments": _trade_rows("payments.Payment", SEES_TALK),
    "messages": _said("qudao_messages.Message", "thread__", SEES_TALK),
    "notes": _said("qudao_messages.Note", "", SEES_NOTES),
    "tasks": _said("qudao_messages.Task", "", SEES_TALK),
    "receipt-lines": _said("fulfilment.ReceiptLine", "receipt__shipment__", SEES),
    "jobs": _jobs,
    "log": _log,
    "views": _views,
    "imports": _imports,
    "notices": _notices,
    "list-assignments": _of_trade("pricing.ListAssignment", "agreement_id", PRICED),
    "people": _people,
    "sessions": _sessions,
    "tokens": _tokens,
    "roles": _roles,
    "organisations": _organisations,
    "addresses": _by_owner("network.Address", "organisation", OWN_PLACES),
    "orders": _trade_rows("orders.Order"),
    "agreements": _trade_rows("agreements.Agreement", TERMS),
    "funds": _trade_rows("funds.Account", PRICED),
    "shared-limits": _shared,
    "limit-requests": _said("funds.LimitRequest", "account__", PRICED),
    "credit": _trade_rows("agreements.Agreement", PRICED),
    "shipments": _trade_rows("fulfilment.Shipment"),
    "differences": _trade_rows("fulfilment.Difference"),
    "parcels": _said("fulfilment.Package", "shipment__", SEES),
    "invoices": _trade_rows("billing.Invoice"),
    "collective-invoices": _trade_rows("billing.Collective"),
    "payments": _trade_rows("payments.Payment"),
    "pooled-payments": _pools,
    "credits": _trade_rows("payments.Payment", method="credit_note"),
    "refunds": _trade_rows("payments.Payment", refunded="0.01"),
    "small-differences": _small_differences,
    "authorisations": _of_trade("agreements.Authorisation", "agreement_id", TERMS),
    "special-prices": _of_trade("pricing.SpecialPrice", "agreement_id", PRICED),
    "products": _by_owner("catalog.Product", "owner", PRODUCTS),
    "packs": _by_owner("catalog.Pack", "product__owner", PRODUCTS),
    "buyer-groups": _by_owner("agreements.Group", "owner", KEPT),
    "assortment-rules": _by_owner("agreements.AssortmentRule", "seller", KEPT),
    "kept-agreements": _by_owner("agreements.Agreement", "seller", KEPT),
    "quotas": _by_owner("quotas.Quota", "seller", QUOTAS),
    "group-members": _by_owner("agreements.GroupMember", "group__owner", KEPT),
    "costs": _by_owner("catalog.Cost", "owner", COSTS),
    "tax-classes": _by_owner("catalog.TaxClass", "owner", PRODUCTS),
    "brands": _by_owner("catalog.Brand", "owner", PRODUCTS),
    "categories": _by_owner("catalog.Category", "owner", PRODUCTS),
    "price-lists": _by_owner("pricing.PriceList", "owner", LISTS),
    "exchange-rates": _by_owner("pricing.Rate", "owner", KEPT),
    "chart-rules": _by_owner("ledger.Mapping", "org", KEPT, tax_rate__isnull=False),
    "wide-assignments": _by_owner("pricing.WideAssignment", "owner", KEPT),
    "price-changes": _by_owner("pricing.PriceChange", "list__owner", KEPT),
    "prices": _by_owner("pricing.Price", "list__owner", LISTS),
    "serving-rules": _by_owner("inventory.ServingRule", "owner", OWN_PLACES),
    "places": _by_owner("inventory.Place", "owner", OWN_PLACES),
    "lots": _by_owner("inventory.Lot", "place__owner", OWN_PLACES),
    "stock": _by_owner("inventory.Stock", "place__owner", OWN_PLACES),
    "absences": _absences,
    "approval-requests": _proposals,
    "approval-flows": _by_owner("approvals.Flow", "owner", RULES_OF),
    "accounts": _accounts,
}
