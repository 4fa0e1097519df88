"""The world of `qudao bench pages`: the demo's network with thousands of dealers and products, and a past of up to a million orders.

At scale 1: 1,000 dealers, 1,000 products, 10,000 orders of ten lines with their shipments, invoices, payments, open items, moves and log; at
scale 100 a hundred times that. Names come by COPY; the rest is copied set-wise in the server from a few documents that the demo's actions made, one
for each state, so new columns come along by themselves. Synthetic: every line is of quantity 2 and an order's amounts are the sum of its ten; lines of
shipments and invoices and applications of payments exist for the newest tenth; entries of the books do not (balances and open items do).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from typing import Any

from psycopg import sql

BASE = 1_000_000  # ids above it are copies
DEALERS, PRODUCTS, ORDERS, LINES = 1_000, 1_000, 10_000, 10
#: the dealer of the demo whose people look at the lists; every 500th order is theirs
OWN_SHARE = 500

CITIES = ("长沙", "杭州", "南京", "上海", "广州", "深圳", "厦门", "苏州", "无锡", "宁波", "青岛", "武汉", "成都", "重庆", "西安", "郑州", "合肥", "昆明")
WORDS = ("恒泰", "兴盛", "宏达", "瑞丰", "鑫源", "永昌", "华美", "金鹏", "银河", "东方", "百佳", "万家", "友谊", "新世纪", "海天", "长江", "泰山", "天成")
ENDS = ("电器", "家电", "商贸", "电子", "百货")
GOODS = ("落地扇", "电饭煲", "电水壶", "空气净化器", "三门冰箱", "滚筒洗衣机", "微波炉", "电磁炉", "吸尘器", "热水器", "抽油烟机", "净水器")

#: state of a copied order → which order of the demo it is copied from, as SQL
STATES = {
    "closed": "status = 'closed'",
    "rejected": "status = 'rejected'",
    "in_review": "status = 'in_review'",
    "confirmed": "status = 'confirmed'",
    "picking": "status = 'in_fulfilment' AND fulfilment = 'picking'",
    "shipped": "status = 'in_fulfilment' AND fulfilment = 'shipped'",
    "to_pay": "status = 'delivered' AND payment = 'none' AND billing = 'full'",
}
#: the newest 3 % of the orders are under way, in these shares of thirty; the rest is settled, every 200th was rejected, every 100th is unpaid
UNDER_WAY = ("in_review",) * 3 + ("confirmed",) * 5 + ("picking",) * 2 + ("shipped",) * 8 + ("to_pay",) * 12

MADE = """
CREATE UNLOGGED TABLE bench_order AS
SELECT g AS n, {base} + g AS id, CASE WHEN g %% {share} = 0 THEN %(own)s ELSE {base} + 1 + (g * 7919) %% %(dealers)s END AS buyer,
       1 + g %% 97 AS k, now() - make_interval(secs => ((%(orders)s - g) * 63072000.0 / %(orders)s)) AS at,
       CASE WHEN g > %(orders)s * 0.97 THEN (%(states)s::text[])[1 + g %% 30] WHEN g %% 200 = 0 THEN 'rejected' WHEN g %% 100 = 7 THEN 'to_pay'
            ELSE 'closed' END AS state
  FROM generate_series(1, %(orders)s::bigint) g;
ALTER TABLE bench_order ADD number text, ADD code text, ADD template bigint, ADD agreement bigint;
CREATE UNLOGGED TABLE bench_template AS
SELECT s.state, o.id, sh.id AS shipment, i.id AS invoice, p.payment_id AS payment, p.id AS application,
       (SELECT min(id) FROM orders_line WHERE order_id = o.id) AS line,
       (SELECT min(id) FROM fulfilment_shipmentline WHERE shipment_id = sh.id) AS shipment_line,
       (SELECT id FROM fulfilment_receipt WHERE shipment_id = sh.id) AS receipt,
       (SELECT min(l.id) FROM fulfilment_receiptline l JOIN fulfilment_receipt r ON r.id = l.receipt_id WHERE r.shipment_id = sh.id) AS receipt_line,
       (SELECT min(id) FROM billing_invoiceline WHERE invoice_id = i.id) AS invoice_line,
       (SELECT min(id) FROM approvals_request WHERE subject_kind = 'orders.order' AND subject_id = o.id) AS request
  FROM (VALUES {states}) s(state, id) JOIN orders_order o ON o.id = s.id
  LEFT JOIN LATERAL (SELECT min(id) AS id FROM fulfilment_shipment WHERE order_id = o.id) sh ON true
  LEFT JOIN LATERAL (SELECT min(id) AS id FROM billing_invoice WHERE order_id = o.id) i ON true
  LEFT JOIN LATERAL (SELECT id, payment_id FROM payments_application WHERE invoice_id = i.id ORDER BY id LIMIT 1) p ON true;
UPDATE bench_order b SET number = 'SO-' || d.code || '-' || lpad((900000 + b.n)::text, 7, '0'), code = d.code, template = t.id, agreement = a.id
  FROM network_organisation d, bench_template t, agreements_agreement a
 WHERE d.id = b.buyer AND t.state = b.state AND a.buyer_id = b.buyer AND a.seller_id = %(hq)s;
ANALYZE bench_order;
ANALYZE bench_template
"""
#: (table, template rows, source of the copies, what is made anew): `t` is the template's row, `g` the source's
COPIES: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        "network_organisation",
        "t, bench_dealer g WHERE t.id = %(own)s",
        {"id": "{base} + g.n", "code": "'D' || (1000000 + g.n)", "name": "g.name", "name_en": "'Dealer ' || g.n", "pinyin": "g.pinyin",
         "path": "regexp_replace(t.path, '[0-9]+/$', '') || ({base} + g.n) || '/'", "tax_no": "''", "phone": "''", "email": "''"},
    ),
    (
        "catalog_product",
        "t, bench_product g WHERE t.id = (SELECT min(id) FROM catalog_product WHERE owner_id = %(hq)s)",
        {"id": "{base} + g.n", "code": "'P' || (1000000 + g.n)", "name": "g.name", "name_en": "'Product ' || g.n", "pinyin": "g.pinyin",
         "initials": "split_part(g.pinyin, ' ', 1)", "gtin": "''", "picture": "''"},
    ),
    ("inventory_place", "t, bench_dealer g WHERE t.owner_id = %(own)s", {"id": "{base} + g.n * 100 + t.id %% 100", "owner_id": "{base} + g.n"}),
    (
        "agreements_agreement",
        "t, bench_dealer g WHERE t.id = %(agreement)s",
        {"id": "{base} + g.n", "code": "'A' || (1000000 + g.n)", "buyer_id": "{base} + g.n"},
    ),
    ("agreements_authorisation", "t, bench_dealer g WHERE t.agreement_id = %(agreement)s", {"id": "{base} + g.n", "agreement_id": "{base} + g.n"}),
    ("pricing_listassignment", "t, bench_dealer g WHERE t.agreement_id = %(agreement)s", {"id": "{base} + g.n", "agreement_id": "{base} + g.n"}),
    ("catalog_audience", "t, bench_dealer g WHERE t.viewer_id = %(own)s AND t.owner_id = %(hq)s", {"id": "{base} + g.n", "viewer_id": "{base} + g.n"}),
    (
        "funds_account",
        "t, bench_dealer g WHERE t.seller_id = %(hq)s AND t.buyer_id = %(own)s",
        {"id": "{base} + g.n", "buyer_id": "{base} + g.n"},
    ),
    (
        "pricing_price",
        "t, bench_product g WHERE t.id = (SELECT min(id) FROM pricing_price WHERE list_id = (SELECT min(id) FROM pricing_pricelist))",
        {"id": "{base} + g.n", "product_id": "{base} + g.n", "amount": "10 + g.n %% 900"},
    ),
    (
        "inventory_stock",
        "t, bench_product g WHERE t.id = (SELECT min(s.id) FROM inventory_stock s WHERE s.place_id = %(main)s)",
        {"id": "{base} + g.n", "product_id": "{base} + g.n", "on_hand": "(g.n %% 50) * 20", "reserved": "(g.n %% 5) * 2"},
    ),
    (
        "inventory_stock",
        "t, bench_dealer g, generate_series(1, 10) x WHERE t.id = (SELECT min(s.id) FROM inventory_stock s WHERE s.place_id = %(main)s)",
        {"id": "{base} * 10 + g.n * 10 + x", "place_id": "{base} + g.n * 100 + %(own_main)s %% 100", "on_hand": "x * 2", "reserved": "0",
         "product_id": "{base} + 1 + (g.n * 31 + x) %% %(products)s"},
    ),
    (
        "orders_order",
        "t, bench_order g WHERE t.id = g.template",
        {"id": "g.id", "number": "g.number", "client_id": "NULL", "buyer_id": "g.buyer", "agreement_id": "g.agreement", "net": "200 * g.k", "tax": "26 * g.k",
         "gross": "226 * g.k", "invoiced": "CASE WHEN t.invoiced > 0 THEN 226 * g.k ELSE 0 END", "paid": "CASE WHEN t.paid > 0 THEN 226 * g.k ELSE 0 END",
         "requested_on": "g.at::date + 3", "ordered_on": "g.at::date", "placed_at": "g.at", "state_since": "g.at", "po_number": "'PO-' || g.n",
         "line_count": "10"},
    ),
    (
        "orders_line",
        "t, bench_template m, bench_order g, generate_series(1, 10) x WHERE m.state = g.state AND t.id = m.line",
        {"id": "{base} + (g.n - 1) * 10 + x", "order_id": "g.id", "no": "x", "product_id": "{base} + 1 + (g.n * 13 + x * 17) %% %(products)s", "qty": "2",
         "unit_price": "10 * g.k", "net": "20 * g.k", "tax": "2.6 * g.k", "gross": "22.6 * g.k", "price_steps": "'[]'",
         "shipped": "CASE WHEN t.shipped > 0 THEN 2 ELSE 0 END", "received": "CASE WHEN t.received > 0 THEN 2 ELSE 0 END", "settled_short": "0",
         "given_up": "0", "backordered": "0", "invoiced": "CASE WHEN t.invoiced > 0 THEN 2 ELSE 0 END"},
    ),
    (
        "fulfilment_shipment",
        "t, bench_template m, bench_order g WHERE m.state = g.state AND t.id = m.shipment",
        {"id": "g.id", "order_id": "g.id", "seq": "1", "number": "replace(g.number, 'SO-', 'SH-') || '-1'", "buyer_id": "g.buyer", "state_since": "g.at",
         "created_at": "g.at", "shipped_at": "CASE WHEN t.shipped_at IS NOT NULL THEN g.at END",
         "received_at": "CASE WHEN t.received_at IS NOT NULL THEN g.at END", "tracking": "'SF' || (7000000000 + g.n)", "line_count": "10"},
    ),
    (
        "fulfilment_shipmentline",
        "t, bench_template m, bench_order g, generate_series(1, 10) x WHERE m.state = g.state AND g.n > %(orders)s * 0.9"
        " AND t.id = m.shipment_line",
        {"id": "{base} + (g.n - 1) * 10 + x", "shipment_id": "g.id", "line_id": "{base} + (g.n - 1) * 10 + x",
         "product_id": "{base} + 1 + (g.n * 13 + x * 17) %% %(products)s", "qty": "2"},
    ),
    (
        "fulfilment_receipt",
        "t, bench_template m, bench_order g WHERE m.state = g.state AND g.n > %(orders)s * 0.9 AND t.id = m.receipt",
        {"id": "g.id", "shipment_id": "g.id", "at": "g.at"},
    ),
    (
        "fulfilment_receiptline",
        "t, bench_template m, bench_order g, generate_series(1, 10) x WHERE m.state = g.state AND g.n > %(orders)s * 0.9"
        " AND t.id = m.receipt_line",
        {"id": "{base} + (g.n - 1) * 10 + x", "receipt_id": "g.id", "shipment_line_id": "{base} + (g.n - 1) * 10 + x", "received": "2", "damaged": "0",
         "short": "0", "over": "0", "note": "''"},
    ),
    (
        "billing_invoice",
        "t, bench_template m, bench_order g WHERE m.state = g.state AND t.id = m.invoice",
        {"id": "g.id", "order_id": "g.id", "agreement_id": "g.agreement", "number": "'INV-LH-' || lpad((900000 + g.n)::text, 8, '0')", "buyer_id": "g.buyer",
         "date": "g.at::date", "due_on": "g.at::date + 30", "net": "200 * g.k", "tax": "26 * g.k", "gross": "226 * g.k",
         "paid": "CASE WHEN t.paid > 0 THEN 226 * g.k ELSE 0 END", "state_since": "g.at", "issued_at": "g.at", "line_count": "10"},
    ),
    (
        "billing_invoiceline",
        "t, bench_template m, bench_order g, generate_series(1, 10) x WHERE m.state = g.state AND g.n > %(orders)s * 0.9"
        " AND t.id = m.invoice_line",
        {"id": "{base} + (g.n - 1) * 10 + x", "invoice_id": "g.id", "line_id": "{base} + (g.n - 1) * 10 + x",
         "product_id": "{base} + 1 + (g.n * 13 + x * 17) %% %(products)s", "no": "x", "qty": "2", "unit_price": "10 * g.k", "net": "20 * g.k",
         "tax": "2.6 * g.k", "gross": "22.6 * g.k"},
    ),
    (
        "payments_payment",
        "t, bench_template m, bench_order g WHERE m.state = g.state AND t.id = m.payment",
        {"id": "g.id", "number": "'PAY-' || g.code || '-' || lpad((900000 + g.n)::text, 7, '0')", "agreement_id": "g.agreement", "buyer_id": "g.buyer",
         "amount": "226 * g.k", "applied": "226 * g.k", "paid_on": "g.at::date", "reference": "'BANK' || g.n", "state": "'applied'", "state_since": "g.at",
         "recorded_at": "g.at"},
    ),
    (
        "payments_application",
        "t, bench_template m, bench_order g WHERE m.state = g.state AND g.n > %(orders)s * 0.9"
        " AND t.id = m.application",
        {"id": "g.id", "payment_id": "g.id", "invoice_id": "g.id", "amount": "226 * g.k", "at": "g.at"},
    ),
    (
        "ledger_openitem",
        "t, bench_template m, bench_order g WHERE m.state = g.state AND t.subject_kind = 'billing.invoice' AND t.subject_id = m.invoice",
        {"id": "g.id * 2 + CASE WHEN t.side = 'payable' THEN 1 ELSE 0 END", "subject_id": "g.id", "number": "'INV-LH-' || lpad((900000 + g.n)::text, 8, '0')",
         "org_id": "CASE WHEN t.side = 'payable' THEN g.buyer ELSE %(hq)s END", "counterparty_id": "CASE WHEN t.side = 'payable' THEN %(hq)s ELSE g.buyer END",
         "date": "g.at::date", "due_on": "g.at::date + 30", "amount": "226 * g.k", "open_amount": "CASE WHEN t.open_amount > 0 THEN 226 * g.k ELSE 0 END"},
    ),
    (
        "inventory_move",
        "t, bench_order g WHERE t.id = (SELECT min(id) FROM inventory_move WHERE from_place_id = %(main)s)",
        {"id": "g.id", "month": "date_trunc('month', g.at)", "at": "g.at", "subject_id": "g.id", "ref_id": "{base} + (g.n - 1) * 10 + 1",
         "product_id": "{base} + 1 + (g.n * 13 + 17) %% %(products)s", "number": "replace(g.number, 'SO-', 'SH-') || '-1'"},
    ),
    (
        "base_actionlog",
        "t, bench_order g WHERE t.id = (SELECT min(id) FROM base_actionlog WHERE verb = 'orders.place')",
        {"id": "g.id", "at": "g.at", "month": "date_trunc('month', g.at)", "subject_id": "g.id", "buyer_id": "g.buyer", "number": "g.number"},
    ),
    (
        "approvals_request",
        "t, bench_template m, bench_order g WHERE g.state = 'in_review' AND m.state = g.state AND t.id = m.request",
        {"id": "g.id", "subject_id": "g.id", "buyer_id": "g.buyer", "number": "g.number", "amount": "226 * g.k", "opened_at": "g.at"},
    ),
    (
        "approvals_node",
        "t, bench_template m, bench_order g WHERE g.state = 'in_review' AND m.state = g.state AND t.request_id = m.request",
        {"id": "g.id * 10 + t.position", "request_id": "g.id", "entered_at": "CASE WHEN t.entered_at IS NOT NULL THEN g.at END"},
    ),
)  # fmt: skip
SUMS = (
    """INSERT INTO ledger_balance (org_id, account, counterparty_id, currency, amount)
       SELECT org_id, side, counterparty_id, currency, sum(CASE WHEN side = 'receivable' THEN open_amount ELSE -open_amount END) FROM ledger_openitem
        WHERE open_amount > 0 GROUP BY 1, 2, 3, 4
       ON CONFLICT (org_id, account, counterparty_id, currency, category_id, tax_rate) DO UPDATE SET amount = excluded.amount""",
    """UPDATE funds_account f SET invoiced = s.open FROM (SELECT org_id, counterparty_id, sum(open_amount) AS open FROM ledger_openitem
        WHERE side = 'receivable' AND open_amount > 0 GROUP BY 1, 2) s WHERE f.seller_id = s.org_id AND f.buyer_id = s.counterparty_id""",
)
#: the modules whose rows are found by search, with the migration that says how
FOUND = {
    "network": "0004_index_search", "agreements": "0002_index_search", "catalog": "0005_index_search", "orders": "0002_index_search",
    "fulfilment": "0002_index_search", "billing": "0002_index_search", "payments": "0004_index_search",
}  # fmt: skip


def _names(kind: tuple[tuple[str, ...], ...], count: int) -> Iterator[tuple[int, str, str]]:
    """(number, name, pinyin) of so many parties or goods; the pinyin of a stem is made once."""
    from qudao.kernel.pinyin import spelled

    stems = [("".join(parts), spelled("".join(parts))) for parts in product(*kind)]
    for n in range(1, count + 1):
        stem, pinyin = stems[n * 7 % len(stems)]
        yield n, f"{stem}{n}", pinyin


def _copy_names(table: str, names: Iterator[tuple[int, str, str]]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE UNLOGGED TABLE {table} (n bigint, name text, pinyin text)")
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in names:
                copy.write_row(row)
        cursor.execute(f"ANALYZE {table}")


def _copying(table: str, source: str, made: dict[str, str]) -> str:
    from qudao.base.db import rows

    written = "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position"
    names = [name for (name,) in rows(written, (table,))]
    values = [made.get(name, f't."{name}"') for name in names]
    columns = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO {table} ({columns}) SELECT {', '.join(values)} FROM {table} {source}".replace("{base}", str(BASE))


def build(scale: float) -> dict[str, Any]:
    """Multiply the demo, which is loaded if it is not there yet (and nothing more at scale 0). Only in a scratch database: no trigger works."""
    from django.db import transaction

    from qudao.base.db import rows, run
    from qudao.base.search import filling
    from qudao.web import demo
    from qudao.web.selftest import only_in_scratch

    only_in_scratch()
    if not rows("SELECT id FROM network_organisation LIMIT 1"):
        demo.load()
    if not scale:
        return {}
    dealers, products, orders = (max(20, int(n * scale)) for n in (DEALERS, PRODUCTS, ORDERS))

    def one(statement: str, *params: Any) -> Any:
        return rows(statement, params)[0][0]

    hq, own = one("SELECT id FROM network_organisation WHERE code = 'LH'"), one("SELECT id FROM network_organisation WHERE code = 'D1001'")
    place = "SELECT id FROM inventory_place WHERE owner_id = %s AND code = 'MAIN'"
    given = {
        "hq": hq, "own": own, "main": one(place, hq), "own_main": one(place, own), "dealers": dealers, "products": products, "orders": orders,
        "agreement": one("SELECT id FROM agreements_agreement WHERE seller_id = %s AND buyer_id = %s", hq, own), "states": list(UNDER_WAY),
    }  # fmt: skip
    told = {name: sql.Literal(value).as_string(None) for name, value in given.items()}  # no parameters: a table made by a query takes none
    states = ", ".join(f"('{s}', (SELECT min(id) FROM orders_order WHERE seller_id = {hq} AND {where}))" for s, where in STATES.items())
    with transaction.atomic():
        for setting in ("session_replication_role = replica", "statement_timeout = 0", "synchronous_commit = off", "maintenance_work_mem = '1GB'"):
            run(f"SET LOCAL {setting}")
        _copy_names("bench_dealer", _names((CITIES, WORDS, ENDS), dealers))
        _copy_names("bench_product", _names((WORDS, GOODS), products))
        before = [c for c in COPIES if c[0] not in AFTER]
        for table, source, made in before:
            run(_copying(table, source, made) % told, None)
        for statement in MADE.format(base=BASE, share=OWN_SHARE, states=states).split(";\n"):
            run(statement % told, None)
        for table, source, made in [c for c in COPIES if c[0] in AFTER]:
            run(_copying(table, source, made) % told, None)
        for statement in SUMS:
            run(statement)
        run("DROP INDEX base_searchentry_grams")
        run("DELETE FROM base_searchentry")
        for module, migration in FOUND.items():
            run(filling(import_module(f"qudao.{module}.migrations.{migration}").FOUND))
        run("CREATE INDEX base_searchentry_grams ON base_searchentry USING gin (base_grams(subject_kind, text))")
        for (table,) in rows("SELECT DISTINCT table_name FROM information_schema.columns WHERE column_name = 'id' AND is_identity = 'YES'"):
            run(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), GREATEST((SELECT max(id) FROM {table}), 1))")
        run("DROP TABLE bench_order, bench_template, bench_dealer, bench_product")
    run("SET statement_timeout = 0")
    run("VACUUM ANALYZE")
    return {"hq": hq, "own": own, "orders": orders, "lines": orders * LINES, "dealers": dealers, "products": products}


#: what needs the list of orders
AFTER = {
    "orders_order", "orders_line", "fulfilment_shipment", "fulfilment_shipmentline", "fulfilment_receipt", "fulfilment_receiptline",
    "billing_invoice", "billing_invoiceline", "payments_payment", "payments_application", "ledger_openitem", "inventory_move",
    "base_actionlog", "approvals_request", "approvals_node",
}  # fmt: skip


def main() -> int:
    """Build and print what was made."""
    from qudao.web.cli import set_up

    set_up()
    json.dump(build(float(sys.argv[1])), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
