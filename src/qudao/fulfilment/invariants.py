"""What must hold of goods under way, as set-wise SQL that returns the rows that break it."""

from __future__ import annotations

from qudao.base.invariants import Check

#: by order line what was lost and is sent again: it counts as not shipped
AGAIN = """SELECT l.line_id, sum(d.qty) AS qty FROM fulfilment_difference d JOIN fulfilment_receiptline r ON r.id = d.receipt_line_id
    JOIN fulfilment_shipmentline l ON l.id = r.shipment_line_id WHERE d.remedy = 'again' GROUP BY 1"""

CHECKS = [
    Check(
        "fulfilment.shipped_is_sum_of_shipments",
        f"""SELECT l.id, concat_ws(' ', 'order line', l.id, 'has shipped', l.shipped, 'but its shipments sum to', coalesce(s.qty, 0),
                                   'of which are sent again', coalesce(a.qty, 0)) AS note
           FROM orders_line l
           LEFT JOIN (SELECT sl.line_id, sum(sl.qty) AS qty FROM fulfilment_shipmentline sl JOIN fulfilment_shipment s ON s.id = sl.shipment_id
                      WHERE s.state IN ('shipped', 'partly', 'received', 'refused') GROUP BY sl.line_id) s ON s.line_id = l.id
           LEFT JOIN ({AGAIN}) a ON a.line_id = l.id
           WHERE l.shipped <> coalesce(s.qty, 0) - coalesce(a.qty, 0)""",
        "UPDATE fulfilment_shipmentline SET qty = qty + 1 WHERE id = (SELECT max(l.id) FROM fulfilment_shipmentline l JOIN fulfilment_shipment s"
        " ON s.id = l.shipment_id WHERE s.state = 'received')",
    ),
    Check(
        "fulfilment.invoiced_is_shipped_or_comes_again",
        f"""SELECT l.id, concat_ws(' ', 'order line', l.id, 'has invoiced', l.invoiced, 'but shipped', l.shipped, 'and sends again', coalesce(a.qty, 0)) AS note
           FROM orders_line l LEFT JOIN ({AGAIN}) a ON a.line_id = l.id WHERE l.invoiced > l.shipped + coalesce(a.qty, 0)""",
        "UPDATE orders_line SET invoiced = qty - given_up WHERE id = (SELECT max(id) FROM orders_line WHERE shipped = 0 AND qty > given_up)",
    ),
    Check(
        "fulfilment.received_is_sum_of_receipts",
        f"""SELECT l.id, concat_ws(' ', 'order line', l.id, 'has received', l.received, 'and lost', l.settled_short, 'but its receipts say',
                                   coalesce(r.received, 0), 'and', coalesce(r.lost, 0), 'of which are sent again', coalesce(a.qty, 0)) AS note
           FROM orders_line l
           LEFT JOIN (SELECT sl.line_id, sum(rl.received) AS received, sum(rl.damaged + rl.short + rl.refused + rl.wrong) AS lost
                      FROM fulfilment_receiptline rl JOIN fulfilment_shipmentline sl ON sl.id = rl.shipment_line_id GROUP BY sl.line_id) r ON r.line_id = l.id
           LEFT JOIN ({AGAIN}) a ON a.line_id = l.id
           WHERE l.received <> coalesce(r.received, 0) OR l.settled_short <> coalesce(r.lost, 0) - coalesce(a.qty, 0)""",
        "UPDATE fulfilment_receiptline SET received = received - 1, short = short + 1"
        " WHERE id = (SELECT max(id) FROM fulfilment_receiptline WHERE received >= 1)",
    ),
    Check(
        "fulfilment.a_receipt_counts_what_was_shipped",
        """SELECT l.id, concat_ws(' ', 'shipment', s.number, 'is', s.state, 'with', l.qty, 'of line', l.id, 'but its receipts counted',
                                   coalesce(c.qty, 0)) AS note
           FROM fulfilment_shipment s JOIN fulfilment_shipmentline l ON l.shipment_id = s.id
           LEFT JOIN (SELECT shipment_line_id, sum(received + damaged + short + refused + wrong) AS qty FROM fulfilment_receiptline GROUP BY 1) c
             ON c.shipment_line_id = l.id
           WHERE coalesce(c.qty, 0) <> CASE s.state WHEN 'received' THEN l.qty WHEN 'refused' THEN l.qty WHEN 'partly' THEN l.come ELSE 0 END""",
        "UPDATE fulfilment_receiptline SET damaged = damaged + 1 WHERE id = (SELECT max(id) FROM fulfilment_receiptline)",
    ),
    Check(
        "fulfilment.what_has_come_is_counted_in_parts",
        """SELECT l.id, concat_ws(' ', 'of shipment line', l.id, 'have come', l.come, 'but receipts of a part counted', coalesce(c.qty, 0)) AS note
           FROM fulfilment_shipmentline l
           LEFT JOIN (SELECT x.shipment_line_id, sum(x.received + x.damaged + x.refused + x.wrong) AS qty FROM fulfilment_receiptline x
                      JOIN fulfilment_receipt r ON r.id = x.receipt_id AND r.partial GROUP BY 1) c ON c.shipment_line_id = l.id
           WHERE l.come <> coalesce(c.qty, 0)
           UNION ALL
           SELECT s.id, 'shipment ' || s.number || ' is ' || s.state || ', which its receipts do not say' FROM fulfilment_shipment s
           LEFT JOIN (SELECT shipment_id, count(*) FILTER (WHERE partial) AS parts, count(*) FILTER (WHERE NOT partial) AS last
                      FROM fulfilment_receipt GROUP BY 1) r ON r.shipment_id = s.id
           WHERE CASE WHEN s.state IN ('received', 'refused') THEN r.last IS DISTINCT FROM 1
                      WHEN s.state = 'partly' THEN coalesce(r.parts, 0) = 0 OR r.last > 0 ELSE r.shipment_id IS NOT NULL END
           UNION ALL
           SELECT x.id, concat_ws(' ', 'receipt', x.receipt_id, 'is of a part, but says what is missing or too many') FROM fulfilment_receiptline x
           JOIN fulfilment_receipt r ON r.id = x.receipt_id AND r.partial WHERE x.short > 0 OR x.over > 0""",
        "UPDATE fulfilment_receipt SET partial = true WHERE id = (SELECT max(id) FROM fulfilment_receipt WHERE NOT automatic)",
    ),
    Check(
        "fulfilment.parcels_come_with_their_shipment",
        """SELECT p.id, 'parcel ' || p.sscc || ' came with a receipt of another shipment' AS note FROM fulfilment_package p
           JOIN fulfilment_receipt r ON r.id = p.receipt_id WHERE r.shipment_id <> p.shipment_id""",
        """INSERT INTO fulfilment_package (shipment_id, no, kind, sscc, at, receipt_id)
           SELECT (SELECT max(id) FROM fulfilment_shipment WHERE id <> r.shipment_id), 9998, 'carton', '040000000000000001', now(), r.id
           FROM fulfilment_receipt r ORDER BY r.id DESC LIMIT 1""",
    ),
    Check(
        "fulfilment.differences_match_receipts",
        """SELECT rl.id, concat_ws(' ', 'count', rl.id, 'and its differences are not the same') AS note
           FROM fulfilment_receiptline rl
           LEFT JOIN (SELECT receipt_line_id, coalesce(sum(qty) FILTER (WHERE kind = 'damaged'), 0) AS damaged,
                             coalesce(sum(qty) FILTER (WHERE kind = 'short'), 0) AS short, coalesce(sum(qty) FILTER (WHERE kind = 'over'), 0) AS over,
                             coalesce(sum(qty) FILTER (WHERE kind = 'refused'), 0) AS refused, coalesce(sum(qty) FILTER (WHERE kind = 'wrong'), 0) AS wrong,
                             max(product_id) AS instead
                      FROM fulfilment_difference GROUP BY 1) d ON d.receipt_line_id = rl.id
           WHERE (rl.damaged, rl.short, rl.over, rl.refused, rl.wrong, rl.wrong_product_id) IS DISTINCT FROM
                 (coalesce(d.damaged, 0), coalesce(d.short, 0), coalesce(d.over, 0), coalesce(d.refused, 0), coalesce(d.wrong, 0), d.instead)""",
        "UPDATE fulfilment_receiptline SET over = over + 1 WHERE id = (SELECT max(id) FROM fulfilment_receiptline)",
    ),
    Check(
        "fulfilment.in_transit_is_what_is_on_the_way",
        """SELECT coalesce(t.product_id, w.product_id) AS id, concat_ws(' ', 'organisation', owner_id, 'product', product_id, 'has in transit',
                  coalesce(t.qty, 0), 'but on the way are', coalesce(w.qty, 0)) AS note
           FROM (SELECT p.owner_id, s.product_id, sum(s.on_hand) AS qty FROM inventory_stock s JOIN inventory_place p ON p.id = s.place_id
                 WHERE p.code = 'TRANSIT' GROUP BY 1, 2) t
           FULL JOIN (SELECT s.seller_id AS owner_id, l.product_id, sum(l.qty - l.come) AS qty FROM fulfilment_shipment s
                      JOIN fulfilment_shipmentline l ON l.shipment_id = s.id
                      WHERE s.state IN ('shipped', 'partly') GROUP BY 1, 2) w USING (owner_id, product_id)
           WHERE coalesce(t.qty, 0) <> coalesce(w.qty, 0)""",
        "UPDATE fulfilment_shipment SET state = 'received', received_at = now() WHERE id = (SELECT max(id) FROM fulfilment_shipment WHERE state = 'shipped')",
    ),
    Check(
        "fulfilment.automatic_receipts_are_as_sent",
        """SELECT r.id, 'receipt ' || r.id || ' was written by itself, but is not what was sent, or has a person' AS note FROM fulfilment_receipt r
           WHERE r.automatic AND (r.received_by IS NOT NULL OR EXISTS (SELECT FROM fulfilment_receiptline c
               JOIN fulfilment_shipmentline l ON l.id = c.shipment_line_id WHERE c.receipt_id = r.id AND (c.received <> l.qty - l.come OR c.over > 0)))""",
        "UPDATE fulfilment_receipt SET automatic = true WHERE id = (SELECT max(id) FROM fulfilment_receipt WHERE received_by IS NOT NULL)",
    ),
    Check(
        "fulfilment.claims_are_open_differences",
        """SELECT coalesce(t.product_id, w.product_id) AS id, concat_ws(' ', 'organisation', owner_id, 'product', product_id, 'has claimed goods',
                  coalesce(t.qty, 0), 'but its open differences say', coalesce(w.qty, 0)) AS note
           FROM (SELECT p.owner_id, s.product_id, sum(s.on_hand) AS qty FROM inventory_stock s JOIN inventory_place p ON p.id = s.place_id
                 WHERE p.code = 'CLAIMS' GROUP BY 1, 2) t
           FULL JOIN (SELECT c.owner_id, c.product_id, sum(d.qty) AS qty
                      FROM fulfilment_difference d JOIN fulfilment_receiptline r ON r.id = d.receipt_line_id
                      JOIN fulfilment_shipmentline l ON l.id = r.shipment_line_id
                      CROSS JOIN LATERAL (VALUES (d.seller_id, l.product_id, d.kind <> 'over'),
                                                 (d.buyer_id, coalesce(d.product_id, l.product_id), d.kind IN ('over', 'wrong'))) c(owner_id, product_id, lies)
                      WHERE d.state <> 'settled' AND c.lies GROUP BY 1, 2) w USING (owner_id, product_id)
           WHERE coalesce(t.qty, 0) <> coalesce(w.qty, 0)""",
        "UPDATE fulfilment_difference SET state = 'settled', outcome = 'written_off', liable = 'carrier', settled_at = now()"
        " WHERE id = (SELECT max(id) FROM fulfilment_difference WHERE state <> 'settled')",
    ),
    Check(
        "fulfilment.outside_purchases_come_from_outside",
        """SELECT s.id, 'shipment ' || s.number || ' of an outside purchase left a warehouse, or is planned' AS note FROM fulfilment_shipment s
           JOIN orders_order o ON o.id = s.order_id AND o.kind = 'external' JOIN inventory_place p ON p.id = s.from_place_id
           WHERE p.kind <> 'outside' OR s.state NOT IN ('received', 'refused')""",
        """UPDATE orders_order SET kind = 'external', allocation = 'outside', waits_since = NULL
           WHERE id = (SELECT max(order_id) FROM fulfilment_shipment WHERE state = 'picking')""",
    ),
    Check(
        "fulfilment.picked_where_it_is_reserved",
        """SELECT p.line_id AS id, concat_ws(' ', 'order line', p.line_id, 'is picked in place', p.place_id, p.qty, 'but reserved there',
                  coalesce(r.qty, 0)) AS note
           FROM (SELECT sl.line_id, s.from_place_id AS place_id, s.order_id, sum(sl.qty) AS qty FROM fulfilment_shipmentline sl
                 JOIN fulfilment_shipment s ON s.id = sl.shipment_id WHERE s.state = 'picking' GROUP BY 1, 2, 3) p
           LEFT JOIN (SELECT subject_id, ref_id, place_id, sum(qty - taken - released) AS qty FROM inventory_reservation
                      WHERE subject_kind = 'orders.order' AND state = 'open' GROUP BY 1, 2, 3) r
             ON r.subject_id = p.order_id AND r.ref_id = p.line_id AND r.place_id = p.place_id
           WHERE p.qty > coalesce(r.qty, 0)""",
        "UPDATE fulfilment_shipment s SET from_place_id = (SELECT max(p.id) FROM inventory_place p WHERE p.id <> s.from_place_id)"
        " WHERE id = (SELECT max(id) FROM fulfilment_shipment WHERE state = 'picking')",
    ),
    Check(
        "fulfilment.parcels_hold_what_is_packed",
        """SELECT l.id, concat_ws(' ', 'shipment line', l.id, 'says that', l.packed, 'are in parcels, but these hold', coalesce(p.qty, 0)) AS note
           FROM fulfilment_shipmentline l LEFT JOIN (SELECT line_id, sum(qty) AS qty FROM fulfilment_packageline GROUP BY 1) p ON p.line_id = l.id
           WHERE l.packed <> coalesce(p.qty, 0)
           UNION ALL
           SELECT p.id, 'parcel ' || p.sscc || ' holds goods of another shipment' FROM fulfilment_package p
           JOIN fulfilment_packageline c ON c.package_id = p.id JOIN fulfilment_shipmentline l ON l.id = c.line_id WHERE l.shipment_id <> p.shipment_id""",
        "UPDATE fulfilment_shipmentline SET packed = qty WHERE id = (SELECT max(id) FROM fulfilment_shipmentline WHERE packed < qty)",
    ),
    Check(
        "fulfilment.lots_left_as_packed",
        """WITH inside AS (
               SELECT p.shipment_id, l.line_id, c.lot, sum(c.qty) AS qty FROM fulfilment_packageline c JOIN fulfilment_package p ON p.id = c.package_id
               JOIN fulfilment_shipmentline l ON l.id = c.line_id
               JOIN fulfilment_shipment s ON s.id = p.shipment_id AND s.state IN ('shipped', 'partly', 'received', 'refused') GROUP BY 1, 2, 3
           ), gone AS (
               SELECT m.subject_id AS shipment_id, m.ref_id AS line_id, m.lot, sum(m.qty) AS qty FROM inventory_lotmove m
               JOIN inventory_place t ON t.id = m.to_place_id AND t.kind = 'transit' WHERE m.subject_kind = 'fulfilment.shipment' GROUP BY 1, 2, 3
           ), named AS (SELECT DISTINCT shipment_id, line_id FROM inside WHERE lot <> '')
           SELECT shipment_id AS id, concat_ws(' ', 'of order line', line_id, 'shipment', shipment_id, 'has', coalesce(i.qty, 0), 'of lot', lot,
                'in parcels, but', coalesce(g.qty, 0), 'left') AS note
           FROM inside i FULL JOIN gone g USING (shipment_id, line_id, lot) JOIN named USING (shipment_id, line_id)
           WHERE coalesce(i.qty, 0) <> coalesce(g.qty, 0)""",
        "UPDATE fulfilment_packageline SET lot = lot || 'X' WHERE id = (SELECT max(c.id) FROM fulfilment_packageline c JOIN fulfilment_package p"
        " ON p.id = c.package_id JOIN fulfilment_shipment s ON s.id = p.shipment_id AND s.state IN ('shipped', 'received') WHERE c.lot <> '')",
    ),
    Check(
        "fulfilment.all_that_left_is_in_parcels",
        """SELECT s.id, concat_ws(' ', 'shipment', s.number, 'has parcels, but of line', l.id, 'only', l.packed, 'of', l.qty, 'left in them') AS note
           FROM fulfilment_shipment s JOIN fulfilment_shipmentline l ON l.shipment_id = s.id AND l.packed <> l.qty
           WHERE s.state IN ('shipped', 'partly', 'received', 'refused') AND EXISTS (SELECT FROM fulfilment_package p WHERE p.shipment_id = s.id)""",
        """INSERT INTO fulfilment_package (shipment_id, no, kind, sscc, at)
           SELECT max(s.id), 9999, 'carton', '040000000000000000', now() FROM fulfilment_shipment s JOIN fulfilment_shipmentline l ON l.shipment_id = s.id
           WHERE s.state = 'received' AND l.packed = 0""",
    ),
    Check(
        "fulfilment.nothing_is_planned_twice",
        """SELECT l.id, concat_ws(' ', 'order line', l.id, 'has reserved', l.qty - l.given_up - l.shipped - l.backordered, 'but shipments hold', p.qty) AS note
           FROM orders_line l
           JOIN orders_order o ON o.id = l.order_id AND o.status IN ('confirmed', 'in_fulfilment')
           JOIN (SELECT sl.line_id, sum(sl.qty) AS qty FROM fulfilment_shipmentline sl JOIN fulfilment_shipment s ON s.id = sl.shipment_id
                 WHERE s.state = 'picking' GROUP BY sl.line_id) p ON p.line_id = l.id
           WHERE p.qty > l.qty - l.given_up - l.shipped - l.backordered""",
        "UPDATE fulfilment_shipmentline SET qty = qty + 1000000 WHERE id = (SELECT max(l.id) FROM fulfilment_shipmentline l JOIN fulfilment_shipment s"
        " ON s.id = l.shipment_id WHERE s.state = 'picking')",
    ),
]
