"""What must hold across modules: no row stands outside the scope of those it belongs to. Only the project knows all of them."""

from __future__ import annotations

from qudao.base.invariants import Check

#: every document with two sides, by the kind its generic rows name
TABLES = {
    "orders.order": "orders_order",
    "fulfilment.shipment": "fulfilment_shipment",
    "billing.invoice": "billing_invoice",
    "billing.collective": "billing_collective",
    "payments.payment": "payments_payment",
}
DOCUMENTS = " UNION ALL ".join(f"SELECT '{kind}' AS kind, id, seller_id, buyer_id FROM {table}" for kind, table in TABLES.items())

# Kind and id as one number: joined by number a million rows cost a third of what they cost joined by text.
STEP = 10**15
KEYED = " UNION ALL ".join(f"SELECT {n * STEP} + id AS key, seller_id, buyer_id FROM {table}" for n, table in enumerate(TABLES.values(), 1))
KEY = "CASE subject_kind " + " ".join(f"WHEN '{kind}' THEN {n * STEP}" for n, kind in enumerate(TABLES, 1)) + " END + subject_id AS key"
OURS = "subject_kind IN (" + ", ".join(f"'{kind}'" for kind in TABLES) + ")"
GENERIC = {"log line": "base_actionlog", "event": "base_event", "approval": "approvals_request", "notice": "qudao_messages_notice"}
GENERIC |= {"conversation": "qudao_messages_thread", "note": "qudao_messages_note", "task": "qudao_messages_task"}
GENERIC_ROWS = " UNION ALL ".join(
    f"SELECT '{what}' AS what, id, {KEY}, subject_kind, subject_id, seller_id, buyer_id FROM {table} WHERE {OURS}" for what, table in GENERIC.items()
)

CHECKS = [
    Check(
        "web.generic_rows_carry_the_sides_of_their_document",
        # log, facts, approvals and notices are shown by these two columns alone, so a wrong one shows a trade to a stranger
        f"""SELECT g.id, concat_ws(' ', g.what, g.id, 'of', g.subject_kind, g.subject_id, 'has the sides', g.seller_id, g.buyer_id,
                                  'but the document has', d.seller_id, d.buyer_id) AS note
            FROM ({GENERIC_ROWS}) g JOIN ({KEYED}) d USING (key) WHERE (g.seller_id, g.buyer_id) IS DISTINCT FROM (d.seller_id, d.buyer_id)
              -- the signatures under an outside purchase are asked in the buyer's house
              AND NOT ((g.buyer_id, g.seller_id) = (d.seller_id, d.buyer_id) AND g.subject_kind = 'orders.order'
                       AND EXISTS (SELECT FROM orders_order o WHERE o.id = g.subject_id AND o.kind = 'external'))""",
        "UPDATE base_event SET buyer_id = 0 WHERE id = (SELECT max(id) FROM base_event WHERE subject_kind = 'orders.order')",
    ),
    Check(
        "web.documents_keep_the_sides_of_their_order",
        """SELECT s.id, concat_ws(' ', 'shipment', s.number, 'has other sides than order', o.number) AS note
           FROM fulfilment_shipment s JOIN orders_order o ON o.id = s.order_id WHERE (s.seller_id, s.buyer_id) <> (o.seller_id, o.buyer_id)
           UNION ALL
           SELECT i.id, concat_ws(' ', 'invoice', i.number, 'has other sides than order', o.number)
           FROM billing_invoice i JOIN orders_order o ON o.id = i.order_id WHERE (i.seller_id, i.buyer_id) <> (o.seller_id, o.buyer_id)""",
        "UPDATE fulfilment_shipment SET buyer_id = seller_id, seller_id = buyer_id WHERE id = (SELECT max(id) FROM fulfilment_shipment)",
    ),
    Check(
        "web.goods_leave_the_sellers_own_places",
        """SELECT o.id, concat_ws(' ', 'order', o.number, 'is supplied from place', p.code, 'of organisation', p.owner_id) AS note
           FROM orders_order o JOIN inventory_place p ON p.id = o.place_id WHERE p.owner_id <> o.seller_id
           UNION ALL
           SELECT s.id, concat_ws(' ', 'shipment', s.number, 'leaves place', p.code, 'of organisation', p.owner_id)
           FROM fulfilment_shipment s JOIN inventory_place p ON p.id = s.from_place_id WHERE p.owner_id <> s.seller_id
           UNION ALL
           SELECT y.id, concat_ws(' ', 'agreement', g.code, 'is supplied from place', p.code, 'of organisation', p.owner_id)
           FROM inventory_supplyplace y JOIN inventory_place p ON p.id = y.place_id JOIN agreements_agreement g ON g.id = y.agreement_id
           WHERE p.owner_id <> g.seller_id""",
        """UPDATE orders_order o SET place_id = (SELECT min(p.id) FROM inventory_place p WHERE p.owner_id <> o.seller_id)
           WHERE id = (SELECT max(id) FROM orders_order)""",
    ),
    Check(
        "web.moves_touch_only_the_two_sides",
        """SELECT m.subject_id AS id, concat_ws(' ', 'shipment', s.number, 'moved goods', 'between places of', f.owner_id, 'and', t.owner_id) AS note
           FROM (SELECT DISTINCT subject_id, from_place_id, to_place_id FROM inventory_move WHERE subject_kind = 'fulfilment.shipment') m
           JOIN fulfilment_shipment s ON s.id = m.subject_id
           JOIN inventory_place f ON f.id = m.from_place_id JOIN inventory_place t ON t.id = m.to_place_id
           WHERE f.owner_id NOT IN (s.seller_id, s.buyer_id) OR t.owner_id NOT IN (s.seller_id, s.buyer_id)""",
        """UPDATE inventory_place SET owner_id = 0 WHERE id = (SELECT max(to_place_id) FROM inventory_move WHERE subject_kind = 'fulfilment.shipment')""",
    ),
    Check(
        "web.books_name_the_two_sides",
        f"""SELECT e.id, concat_ws(' ', 'entry', e.source_key, 'stands in the books of organisation', e.org_id, 'which is no side of', d.kind, d.id) AS note
            FROM ledger_entry e JOIN ({DOCUMENTS}) d ON d.kind = e.subject_kind AND d.id = e.subject_id WHERE e.org_id NOT IN (d.seller_id, d.buyer_id)
            UNION ALL
            SELECT i.id, concat_ws(' ', 'open item', i.number, 'of organisation', i.org_id, 'on', i.counterparty_id, 'does not fit', d.kind, d.id)
            FROM ledger_openitem i JOIN ({DOCUMENTS}) d ON d.kind = i.subject_kind AND d.id = i.subject_id
            WHERE (i.org_id, i.counterparty_id) <> CASE i.side WHEN 'receivable' THEN (d.seller_id, d.buyer_id) ELSE (d.buyer_id, d.seller_id) END""",
        "UPDATE ledger_entry SET org_id = 0 WHERE id = (SELECT max(id) FROM ledger_entry)",
    ),
]
