"""What each address may answer: a small table, written from the roles of the domain and not from the code it checks.

An address that is not here fails the test. `look` is the verb that opens it, `do` the verb of its writes ("" = everybody signed in),
`row` the kind of thing that its first parameter names. The page and the operation of one verb share an address and so a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matrix_routes import Route
from matrix_rows import price_lists


@dataclass(frozen=True)
class Rule:
    look: str = ""
    do: str = ""
    row: str = ""
    #: nobody needs to sign in
    public: bool = False
    #: what else is filled into the address, by name of the parameter
    more: Mapping[str, Any] | None = None
    #: what a foreign row may answer besides 404; always the same as an absent one
    hidden: frozenset[int] = frozenset({404})
    #: what else the thing itself may answer
    also: frozenset[int] = frozenset()
    #: not visited, because …
    skip: str = ""


def rule_of(route: Route) -> Rule | None:
    """The line of the table for an address; None when there is none, which fails the test."""
    if route.owner in LIBRARIES:
        return Rule(skip=LIBRARIES[route.owner])
    return (RULES_API if route.api else RULES_PAGE).get(route.key) or RULES.get(route.key)


#: package of a view → why the matrix leaves its addresses to other tests
LIBRARIES = {"django": "the language switch and other views without rows of ours"}


def verb(view: str, do: str, row: str) -> dict[str, Rule]:  # at an address of its own: the page asks (GET), both do (POST)
    return {f"{row}/#/{view}": Rule(do, do, row)}


ME = Rule("people.me", "people.me")
TOKEN = {"token": "no-such-token"}
#: documents that carry a conversation, by the first part of their address: who sees them
TALKED = {"orders": "orders.view", "shipments": "fulfilment.view", "invoices": "billing.view", "payments": "payments.view"}
RULES: dict[str, Rule] = {
    "": Rule(),
    "search": Rule(),
    "insight": Rule("orders.view"),
    "scan": Rule(),
    "help": Rule(),
    "help/#": Rule(more={"topic": "orders"}),
    "help/pictures/#": Rule(more={"name": "order.en.webp"}, also=frozenset({404})),
    # --- work on many rows, saved views, cells: forms of lists name the rows ---
    **dict.fromkeys(("jobs", "jobs/new"), Rule("base.runs", "base.runs")),
    "jobs/#": Rule("base.runs", "", "jobs"),
    "jobs/#/file": Rule("base.runs", "", "jobs", also=frozenset({404})),
    **verb("cancellation", "base.runs", "jobs"),
    **verb("retry", "base.runs", "jobs"),
    "views": Rule("base.views", "base.views"),
    "views/#": Rule("base.views", "base.views", "views"),
    **verb("removal", "base.views", "views"),
    **verb("first", "base.views", "views"),
    "cells": Rule(also=frozenset({404})),
    # --- the import centre: one's own organisation's, of what one may import ---
    "imports": Rule("base.imports"),
    "imports/new/#": Rule("base.imports", "base.imports", more={"name": "inventory.opening"}, also=frozenset({403})),
    "imports/#": Rule("base.imports", "", "imports"),
    **verb("mapping", "base.imports", "imports"),
    **verb("commit", "base.imports", "imports"),
    **verb("undo", "base.imports", "imports"),
    **verb("removal", "base.imports", "imports"),
    **dict.fromkeys(("imports/#/errors.xlsx", "imports/#/file"), Rule("base.imports", "", "imports")),
    # --- network ---
    "organisations": Rule("network.view", "network.register"),
    "organisations/new": Rule("network.register", "network.register"),
    "organisations/#": Rule("network.view", "network.change", "organisations"),
    **verb("change", "network.change", "organisations"),
    **verb("move", "network.move", "organisations"),
    **verb("suspension", "network.suspend", "organisations"),
    **verb("resumption", "network.suspend", "organisations"),
    **verb("closure", "network.close", "organisations"),
    "organisations/#/addresses": Rule("network.view", "network.address", "organisations"),
    "organisations/#/addresses/new": Rule("network.address", "network.address", "organisations"),
    "addresses/#": Rule("network.view", "network.address", "addresses"),
    **verb("change", "network.address", "addresses"),
    **verb("default", "network.address", "addresses"),
    **verb("retirement", "network.address", "addresses"),
    # --- people ---
    "sign-in": Rule(public=True),
    "sign-in/code": Rule(public=True),
    "sign-in/demo": Rule(public=True),
    "password": Rule(public=True),
    "password/#": Rule(public=True, more=TOKEN),
    "invitations/#": Rule(public=True, more=TOKEN),
    "sign-out": Rule(skip="would sign the visitor out; tested in people"),
    "session/organisation": Rule(),
    "session/theme": ME,
    "session/language": ME,
    "me": ME,
    "me/profile": ME,
    "me/password": ME,
    "me/second-factor": ME,
    "me/second-factor/off": ME,
    "me/second-factor/recovery": ME,
    "me/sessions/others": ME,
    "me/sessions/#": Rule("people.me", "people.me", "sessions"),
    "me/tokens/new": Rule("people.token", "people.token"),
    "me/tokens/#": Rule("people.token", "people.token", "tokens"),
    "tokens": Rule("people.token", "people.token"),
    "tokens/#": Rule("people.token", "people.token", "tokens"),
    "people": Rule("people.view", "people.invite"),
    "people/new": Rule("people.invite", "people.invite"),
    "people/#": Rule("people.view", "people.change", "people"),
    **verb("change", "people.change", "people"),
    **verb("place", "people.change", "people"),
    **verb("invitation", "people.invite", "people"),
    **verb("end", "people.end", "people"),
    "roles": Rule("people.view"),
    "roles/new": Rule("people.roles", "people.roles"),
    "roles/#": Rule("people.view", "", "roles"),
    **verb("change", "people.roles", "roles"),
    **verb("removal", "people.roles", "roles"),
    # --- approvals ---
    "approvals": Rule("orders.approve", "orders.approve"),
    "approvals/#/approval": Rule("orders.approve", "orders.approve", "orders", hidden=frozenset({302})),
    "approvals/#/rejection": Rule("orders.approve", "orders.approve", "orders", hidden=frozenset({302})),
    "approvals/decided": Rule("orders.approve"),
    "approvals/bulk": Rule("orders.approve", "orders.approve"),
    # what does not wait for this person is not there, own or not
    "approvals/#/return": Rule("orders.return", "orders.return", "orders", also=frozenset({404})),
    "approvals/#/delegation": Rule("approvals.delegate", "approvals.delegate", "orders", also=frozenset({404})),
    "approvals/#/signers": Rule("approvals.add_signer", "approvals.add_signer", "orders", also=frozenset({404})),
    "absences": Rule("approvals.delegate", "approvals.delegate"),
    "absences/new": Rule("approvals.delegate", "approvals.delegate"),
    "absences/#": Rule("", "approvals.delegate", "absences"),
    **verb("end", "approvals.delegate", "absences"),
    "a/#": Rule(public=True, more=TOKEN),
    # --- orders ---
    "orders": Rule("orders.view", "orders.place"),
    "orders/new": Rule("orders.place", "orders.place"),
    "orders/new/preview": Rule("orders.place", "orders.place"),
    "orders/new/suggest": Rule("orders.place", "orders.place"),
    "orders/new/dealers": Rule("orders.place", "orders.place"),
    "orders/new/file": Rule("orders.place", "orders.place"),
    "orders/#": Rule("orders.view", "", "orders"),
    **dict.fromkeys(("orders/#/timeline", "orders/#/files"), Rule("orders.view", "", "orders")),
    "orders/#/files/#": Rule("orders.view", "", "orders", more={"file_id": 1}, also=frozenset({404})),
    **verb("approval", "orders.approve", "orders"),
    **verb("rejection", "orders.approve", "orders"),
    **verb("return", "orders.return", "orders"),
    **verb("withdrawal", "orders.withdraw", "orders"),
    **verb("submission", "orders.place", "orders"),
    **verb("cancellation", "orders.cancel", "orders"),
    **verb("short-closing", "orders.close_short", "orders"),
    **verb("address", "orders.readdress", "orders"),
    **verb("amendment", "orders.amend", "orders"),
    **verb("split", "orders.split", "orders"),
    # --- baskets ---
    "shop": Rule("baskets.use"),
    "basket": Rule("baskets.use", "baskets.use", also=frozenset({409})),
    **dict.fromkeys(("basket/aside", "basket/errors.xlsx"), Rule("baskets.use", also=frozenset({404}))),
    "basket/pulse": Rule("baskets.use", also=frozenset({204})),
    **dict.fromkeys(("basket/lines", "basket/entry", "basket/head", "basket/file"), Rule("baskets.use", "baskets.use", also=frozenset({404}))),
    **dict.fromkeys(("baskets", "templates", "favourites"), Rule("baskets.use", "baskets.use")),
    "favourites/#": Rule("baskets.use", "baskets.use", "products"),
    **dict.fromkeys(("baskets/#", "baskets/#/clearing", "baskets/#/template", "baskets/#/submission"), Rule("baskets.use", "baskets.use", "baskets")),
    "baskets/#/lines/#": Rule("", "baskets.use", "baskets", more={"line_id": 1}, also=frozenset({404})),
    "basket/lines/#": Rule("baskets.use", "baskets.use", "basket-lines"),
    **dict.fromkeys(("templates/#", "templates/#/loading", "templates/#/change", "templates/#/removal"), Rule("baskets.use", "baskets.use", "templates")),
    "orders/#/again": Rule("baskets.use", "baskets.use", "bought"),
    # --- catalogue ---
    "products": Rule("catalog.view", "catalog.edit"),
    "products/new": Rule("catalog.edit", "catalog.edit"),
    "products/#": Rule("catalog.view", "catalog.edit", "products"),
    **verb("change", "catalog.edit", "products"),
    **verb("block", "catalog.block", "products"),
    **verb("unblock", "catalog.block", "products"),
    "products/#/packs": Rule("catalog.view", "catalog.edit", "products"),
    **verb("picture", "catalog.edit", "products"),
    "products/#/picture/removal": Rule("catalog.edit", "catalog.edit", "products"),
    "products/#/picture/#.webp": Rule("catalog.view", "", "products", more={"digest": "0" * 32}, also=frozenset({404})),
    "brands": Rule("catalog.view", "catalog.edit"),
    "brands/new": Rule("catalog.edit", "catalog.edit"),
    "brands/#": Rule("", "catalog.edit", "brands"),
    **verb("change", "catalog.edit", "brands"),
    "tax-classes": Rule("catalog.view", "catalog.edit"),
    **dict.fromkeys(("tax-classes/new", "tax-classes/usual"), Rule("catalog.edit", "catalog.edit")),
    **verb("rates", "catalog.edit", "tax-classes"),
    "products/#/replacements": Rule("catalog.view", "", "products"),
    **verb("successor", "catalog.edit", "products"),
    **verb("equivalents", "catalog.edit", "products"),
    "products/#/successor/removal": Rule("catalog.edit", "catalog.edit", "products"),
    "products/#/equivalents/removal": Rule("catalog.edit", "catalog.edit", "products"),
    "packs/#": Rule("", "catalog.edit", "packs"),
    **verb("removal", "catalog.edit", "packs"),
    "categories": Rule("catalog.view", "catalog.edit"),
    "categories/new": Rule("catalog.edit", "catalog.edit"),
    "categories/#": Rule("catalog.view", "catalog.edit", "categories"),
    # --- agreements ---
    "agreements": Rule("agreements.view", "agreements.draft"),
    "agreements/new": Rule("agreements.draft", "agreements.draft"),
    "agreements/#": Rule("agreements.view", "agreements.draft", "agreements"),
    **verb("supply", "inventory.manage_places", "agreements"),
    **verb("change", "agreements.draft", "agreements"),
    **verb("activation", "agreements.activate", "agreements"),
    **verb("suspension", "agreements.suspend", "agreements"),
    **verb("end", "agreements.end", "agreements"),
    **verb("channel", "agreements.draft", "agreements"),
    "buyer-groups": Rule("agreements.view", "agreements.group"),
    "buyer-groups/new": Rule("agreements.group", "agreements.group"),
    "buyer-groups/#": Rule("agreements.view", "agreements.group", "buyer-groups"),
    **verb("change", "agreements.group", "buyer-groups"),
    "buyer-groups/#/members": Rule("agreements.view", "agreements.group", "buyer-groups"),
    "group-members": Rule("agreements.view"),
    **verb("end", "agreements.group", "group-members"),
    "agreements/#/authorisations": Rule("agreements.view", "agreements.authorise", "agreements"),
    "authorisations/#": Rule("", "agreements.authorise", "authorisations"),
    **verb("withdrawal", "agreements.authorise", "authorisations"),
    # --- prices ---
    "price-lists": Rule("pricing.view", "pricing.edit"),
    "price-lists/new": Rule("pricing.edit", "pricing.edit"),
    "price-lists/#": Rule("pricing.view", "pricing.edit", "price-lists"),
    **verb("change", "pricing.edit", "price-lists"),
    "price-lists/#/prices": Rule("pricing.view", "pricing.edit", "price-lists"),
    "price-lists/#/assignments": Rule("pricing.assign", "pricing.assign", "price-lists"),
    "list-assignments/#/removal": Rule("pricing.assign", "pricing.assign", "list-assignments"),
    "price-lists/#/levels": Rule("pricing.view", "pricing.assign", "price-lists"),
    "exchange-rates": Rule("pricing.view", "pricing.rates"),
    "exchange-rates/new": Rule("pricing.rates", "pricing.rates"),
    "exchange-rates/#": Rule("", "pricing.rates", "exchange-rates"),
    **verb("removal", "pricing.rates", "exchange-rates"),
    "wide-assignments/#": Rule("", "pricing.assign", "wide-assignments"),
    **verb("removal", "pricing.assign", "wide-assignments"),
    "prices": Rule("pricing.view"),
    **verb("end", "pricing.edit", "prices"),
    "agreements/#/price-lists": Rule("pricing.view", "pricing.assign", "agreements"),
    "agreements/#/price-lists/#": Rule("", "pricing.assign", "agreements", more={"list_id": lambda world, key: price_lists(world)["LH"]}),
    "agreements/#/special-prices": Rule("pricing.view", "pricing.grant", "agreements"),
    **verb("end", "pricing.grant", "special-prices"),
    "agreements/#/quotes": Rule("", "pricing.view", "agreements"),
    # --- stock ---
    "stock": Rule("inventory.view"),
    "stock/opening": Rule("inventory.receive", "inventory.receive"),
    "stock/#": Rule("inventory.view", "", "stock"),
    **verb("adjustment", "inventory.adjust", "stock"),
    "lots": Rule("inventory.view"),
    "lots/#": Rule("inventory.view", "", "lots"),
    **verb("adjustment", "inventory.adjust", "lots"),
    "products/#/lots": Rule("inventory.manage_places", "inventory.manage_places", "products"),
    "agreements/#/shelf-life": Rule("", "inventory.manage_places", "agreements"),
    "moves": Rule("inventory.view"),
    "places": Rule("inventory.view", "inventory.manage_places"),
    "places/new": Rule("inventory.manage_places", "inventory.manage_places"),
    "places/#/openings": Rule("", "inventory.receive", "places"),
    "places/#/adjustments": Rule("", "inventory.adjust", "places"),
    "agreements/#/surcharge": Rule("", "inventory.manage_places", "agreements", more={"surcharge": "5"}),
    "agreements/#/shortage": Rule("", "inventory.manage_places", "agreements"),
    "agreements/#/supply-place": Rule("", "inventory.manage_places", "agreements"),
    "agreements/#/availability": Rule("agreements.view", "", "agreements", more={"?": lambda world, key: f"?product_id={world.products[0].pk}"}),
    # --- books ---
    "accounts": Rule("ledger.view"),
    "accounts/#": Rule("ledger.view", "ledger.view", "accounts"),
    "accounts/#/statement.xlsx": Rule("ledger.view", "ledger.view", "accounts"),
    "ageing": Rule("ledger.view"),
    "periods": Rule("ledger.view"),
    "periods/lock": Rule("ledger.lock_period", "ledger.lock_period"),
    "periods/unlock": Rule("ledger.unlock_period", "ledger.unlock_period"),
    "taxes": Rule("ledger.view", more={"?": lambda world, key: "?since=2026-01-01"}),
    "chart": Rule("ledger.view", "ledger.view"),
    "chart/template": Rule("ledger.edit_chart", "ledger.edit_chart"),
    "chart/new": Rule("ledger.edit_chart", "ledger.edit_chart"),
    "chart/mapping": Rule("ledger.edit_chart", "ledger.edit_chart"),
    "entries": Rule("ledger.view", "ledger.view"),
    "trial-balance": Rule("ledger.view"),
    "ledger/chart": Rule("ledger.view", "ledger.edit_chart"),
    "ledger/chart/template": Rule("", "ledger.edit_chart"),
    "ledger/chart/mapping": Rule("", "ledger.edit_chart"),
    "ledger/trial-balance": Rule("ledger.view", more={"?": lambda world, key: "?since=2026-01-01"}),
    "ledger/ageing": Rule("ledger.view"),
    "ledger/statement": Rule("ledger.view", more={"?": lambda world, key: f"?counterparty_id={world.cast.lh.pk}&since=2026-01-01"}, also=frozenset({404})),
    "ledger/open-items": Rule("ledger.view"),
    "ledger/periods": Rule("ledger.view"),
    "ledger/periods/#/lock": Rule("", "ledger.lock_period", more={"month": "2020-01"}),
    "ledger/periods/#/unlock": Rule("", "ledger.unlock_period", more={"month": "2020-01"}),
    # --- credit ---
    "funds": Rule("funds.view"),
    "funds/#": Rule("funds.view", "", "funds"),
    "funds/#/entries": Rule("funds.view", "", "funds"),
    **verb("limit", "funds.set_limit", "funds"),
    **verb("freeze", "funds.freeze", "funds"),
    **verb("unfreeze", "funds.unfreeze", "funds"),
    "agreements/#/credit": Rule("funds.view", "", "credit"),
    # --- goods, invoices, payments ---
    "orders/#/shipments": Rule("", "fulfilment.ship", "orders"),
    "orders/#/picking": Rule("fulfilment.pick", "fulfilment.pick", "orders"),
    "shipments": Rule("fulfilment.view"),
    "shipments/#": Rule("fulfilment.view", "", "shipments"),
    "shipments/#/picking": Rule("fulfilment.pick", "fulfilment.pick", "shipments"),
    **verb("picking-cancellation", "fulfilment.pick", "shipments"),
    **verb("dispatch", "fulfilment.ship", "shipments"),
    **verb("receipt", "fulfilment.receive", "shipments"),
    "differences": Rule("fulfilment.view"),
    **verb("settlement", "fulfilment.settle", "differences"),
    "orders/#/invoices": Rule("", "billing.issue", "orders"),
    **verb("release", "orders.release", "orders"),
    "invoices": Rule("billing.view"),
    "invoices/#": Rule("billing.view", "", "invoices"),
    **verb("credit", "payments.credit", "invoices"),
    "invoices/#/credits": Rule("", "payments.credit", "invoices"),
    "payments/#/refund.pdf": Rule("payments.view", "", "refunds", also=frozenset({403})),
    "payments/#/credit.pdf": Rule("payments.view", "", "credits", also=frozenset({403})),
    "payments": Rule("payments.view", "payments.view"),
    "payments/announcement": Rule("payments.announce", "payments.announce"),
    "payments/new": Rule("payments.record", "payments.record"),
    "payments/#": Rule("payments.view", "", "payments"),
    **verb("confirmation", "payments.record", "payments"),
    **verb("refusal", "payments.record", "payments"),
    **verb("applications", "payments.apply", "payments"),
    **verb("difference", "payments.write_off", "payments"),
    **verb("difference", "payments.write_off", "invoices"),
    **verb("refund", "payments.refund", "payments"),
    "small-differences": Rule("payments.view", "payments.view"),
    "small-differences/limit": Rule("payments.set_tolerance", "payments.set_tolerance"),
    "small-differences/#/removal": Rule("payments.write_off", "payments.write_off", "small-differences"),
    # --- paper: an invoice without its amounts is none, a pick list is the sender's own ---
    "orders/#/confirmation.pdf": Rule("orders.view", "", "orders"),
    "shipments/#/pick-list.pdf": Rule("fulfilment.pick", "", "shipments", also=frozenset({403})),
    **dict.fromkeys((f"shipments/#/{one}.pdf" for one in ("packing-list", "delivery-note", "label")), Rule("fulfilment.view", "", "shipments")),
    "invoices/#/invoice.pdf": Rule("billing.view", "", "invoices", also=frozenset({403})),
    "accounts/#/statement.pdf": Rule("ledger.view", "", "accounts"),
    # --- notices ---
    "notices": Rule("messages.view", "messages.view"),
    "notices/read": Rule("messages.view", "messages.view"),
    "notices/email": Rule("messages.view", "messages.view"),
    "notices/#": Rule("messages.view", "messages.view", "notices"),
    "notices/unread": Rule("messages.view", "messages.view"),
    "notices/topics": Rule("messages.view", "messages.view"),
    # --- conversations of documents: for the two sides alone, notes for one of them; whoever may not see the document reads no talk about it ---
    **{f"{at}/#/messages": Rule(look, look, f"talk-{at}") for at, look in TALKED.items()},
    **{f"{at}/#/messages/people": Rule(look, look, f"talk-{at}") for at, look in TALKED.items()},
    **{f"{at}/#/tasks": Rule(look, look, f"talk-{at}") for at, look in TALKED.items()},
    "messages/#/files/#": Rule("messages.view", "", "messages", more={"file_id": 1}, also=frozenset({404})),
    "notes/#": Rule("messages.view", "", "notes"),
    "notes/#/files/#": Rule("messages.view", "", "notes", more={"file_id": 1}, also=frozenset({404})),
    "tasks": Rule("messages.view"),
    "tasks/#": Rule("messages.view", "", "tasks"),
    **verb("completion", "messages.assign", "tasks"),
    **verb("reopening", "messages.assign", "tasks"),
    "receipt-lines/#/photos/#": Rule("fulfilment.view", "", "receipt-lines", more={"file_id": 1}, also=frozenset({404})),
    "approval-flows": Rule("approvals.view", "approvals.edit_rules"),
    "approval-flows/new": Rule("approvals.edit_rules", "approvals.edit_rules"),
    "approval-flows/rule": Rule("approvals.edit_rules", "approvals.edit_rules"),
    "approval-flows/#": Rule("approvals.view", "", "approval-flows"),
    "approval-flows/#/what-if": Rule("approvals.view", "", "approval-flows"),
    **verb("publication", "approvals.edit_rules", "approval-flows"),
    **verb("discard", "approvals.edit_rules", "approval-flows"),
    **verb("retirement", "approvals.edit_rules", "approval-flows"),
    "approval-flows/#/branches/#": Rule("approvals.edit_rules", "approvals.edit_rules", "approval-flows", more={"no": 1}),
    "approval-flows/#/branches/#/removal": Rule("approvals.edit_rules", "approvals.edit_rules", "approval-flows", more={"no": 1}),
    "approval-flows/#/branches/#/steps/#": Rule("approvals.edit_rules", "approvals.edit_rules", "approval-flows", more={"no": 1, "at": 1}),
    "approval-flows/#/branches/#/steps/#/removal": Rule("approvals.edit_rules", "approvals.edit_rules", "approval-flows", more={"no": 1, "at": 1}),
}
#: where the page and the operation at one address differ
RULES_PAGE: dict[str, Rule] = {
    "prints/#": Rule("base.print", "base.print", more={"name": "orders.confirmation"}),
    "orders/#/files": Rule("orders.attach", "orders.attach", "orders"),
    "products/#/packs": Rule("catalog.edit", "catalog.edit", "products"),
    "agreements/#/authorisations": Rule("agreements.authorise", "agreements.authorise", "agreements"),
    "buyer-groups/#/members": Rule("agreements.group", "agreements.group", "buyer-groups"),
    "price-lists/#/prices": Rule("pricing.edit", "pricing.edit", "price-lists"),
    "agreements/#/price-lists": Rule("pricing.assign", "pricing.assign", "agreements"),
    "price-lists/#/levels": Rule("pricing.assign", "pricing.assign", "price-lists"),
    "agreements/#/special-prices": Rule("pricing.grant", "pricing.grant", "agreements"),
    "orders/#/shipments": Rule("fulfilment.ship", "fulfilment.ship", "orders"),
    "orders/#/invoices": Rule("billing.issue", "billing.issue", "orders"),
}
RULES_API: dict[str, Rule] = {
    "prints/#": Rule("orders.view", "", more={"name": "orders.confirmation", "?": lambda world, key: "?ids=6999999"}, also=frozenset({404})),
    "ping": Rule(public=True),
    "approvals": Rule(),  # what waits for me: nothing, for most
}
