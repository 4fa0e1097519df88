"""Which modules show a panel on another module's document: one explicit line each, by subject kind.

A panel is a function (request, obj) -> base.html.pages.Panel | None in the contributing module's `pages.py`. When the document itself has no next
action, the first one that a panel proposes becomes the primary button of the page.
"""

from __future__ import annotations

#: what an upper module offers at the rows of a lower module's list: (actor, rows) -> row's id → Button
ROWS: dict[str, str] = {"inventory.stock": "qudao.portal.pages.restock.of_stock"}

PANELS: dict[str, tuple[str, ...]] = {
    "agreements.agreement": (
        "qudao.approvals.pages.about_panel",
        "qudao.agreements.pages.agreement_panel",
        "qudao.pricing.pages.agreement_panel",
        "qudao.inventory.pages.supply_panel",
        "qudao.billing.pages.agreement_panel",
        "qudao.payments.pages.agreement_panel",
    ),
    "pricing.change": ("qudao.approvals.pages.about_panel", "qudao.portal.pages.repriced.panel"),
    "catalog.product": ("qudao.agreements.pages.product_panel", "qudao.inventory.pages.product_panel"),
    "inventory.stock": ("qudao.portal.pages.restock.panel", "qudao.fulfilment.pages.expected_panel"),
    "orders.order": (
        "qudao.approvals.pages.course_panel",
        "qudao.fulfilment.pages.waiting_panel",
        "qudao.fulfilment.pages.order_panel",
        "qudao.billing.pages.order_panel",
        "qudao.payments.pages.order_panel",
        "qudao.orders.pages.timeline_panel",  # last: the others tell it of their documents
    ),
    "fulfilment.shipment": ("qudao.approvals.pages.about_panel",),
    "billing.invoice": ("qudao.approvals.pages.about_panel", "qudao.payments.pages.invoice_panel", "qudao.messages.pages.talk_panel"),
    "payments.payment": (
        "qudao.approvals.pages.about_panel",
        "qudao.messages.pages.talk_panel",
    ),
}
