"""What must hold of orders."""

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "orders.totals_are_sums_of_lines",
        """SELECT o.id, coalesce(o.number, '') || ': total ' || o.gross || ', lines ' || s.gross AS note
           FROM orders_order o JOIN (SELECT order_id, sum(k.net) net, sum(k.gross - k.net) tax, sum(k.gross) gross, count(*) n FROM orders_line l
                CROSS JOIN LATERAL (SELECT round(l.net * (l.qty - l.given_up) / l.qty, 2) net, round(l.gross * (l.qty - l.given_up) / l.qty, 2) gross) k
                GROUP BY order_id) s
           ON s.order_id = o.id WHERE (o.net, o.tax, o.gross, o.line_count) IS DISTINCT FROM (s.net, s.tax, s.gross, s.n)""",
        "UPDATE orders_order SET net = net + 1, gross = gross + 1 WHERE id = (SELECT max(id) FROM orders_order)",
    ),
    Check(
        "orders.an_order_has_lines",
        "SELECT o.id, 'no lines' AS note FROM orders_order o WHERE NOT EXISTS (SELECT 1 FROM orders_line l WHERE l.order_id = o.id)",
        "DELETE FROM orders_line WHERE order_id = (SELECT max(id) FROM orders_order)",
    ),
    Check(
        "orders.line_gross_is_price_times_quantity",
        """SELECT l.id, 'line amount is not quantity × price' AS note FROM orders_line l
           WHERE round(l.qty * l.unit_price, 2) NOT IN (l.gross, l.net) AND NOT (
               -- of an order that was split each part has what is left of the other, so that they sum to the whole
               least(abs(round(l.qty * l.unit_price, 2) - l.gross), abs(round(l.qty * l.unit_price, 2) - l.net)) <= 0.05
               AND EXISTS (SELECT FROM orders_order o WHERE o.id = l.order_id AND o.split_from_id IS NOT NULL OR o.split_from_id = l.order_id))""",
        "UPDATE orders_line SET net = net + 0.06, gross = gross + 0.06 WHERE id = (SELECT max(id) FROM orders_line)",
    ),
    Check(
        "orders.reservations_match_open_lines",
        """SELECT l.id, 'open ' || (l.qty - l.given_up - l.shipped) || ', backordered ' || l.backordered || ', reserved ' || coalesce(r.qty, 0) AS note
           FROM orders_order o JOIN orders_line l ON l.order_id = o.id
           LEFT JOIN (SELECT ref_id, sum(qty - taken - released) qty FROM inventory_reservation
                      WHERE subject_kind = 'orders.order' AND state = 'open' GROUP BY ref_id) r ON r.ref_id = l.id
           WHERE coalesce(r.qty, 0) <> CASE WHEN o.status IN ('confirmed', 'in_fulfilment') THEN l.qty - l.given_up - l.shipped - l.backordered ELSE 0 END
              OR l.backordered > 0 AND o.status NOT IN ('confirmed', 'in_fulfilment')""",
        """UPDATE orders_line SET shipped = qty, received = 0 WHERE id = (SELECT max(l.id) FROM orders_line l JOIN orders_order o ON o.id = l.order_id
           WHERE o.status = 'confirmed' AND o.kind <> 'external' AND l.backordered = 0)""",
    ),
    Check(
        "orders.allocation_says_what_waits",
        """SELECT o.id, 'allocation ' || o.allocation || ' of open ' || s.open || ', backordered ' || s.waits AS note
           FROM orders_order o JOIN (SELECT order_id, sum(qty - given_up - shipped) AS open, sum(backordered) AS waits FROM orders_line GROUP BY 1) s
           ON s.order_id = o.id WHERE o.status IN ('confirmed', 'in_fulfilment') AND o.kind <> 'external'
             AND (o.allocation = 'full') <> (s.waits = 0)""",
        "UPDATE orders_order SET allocation = 'partial' WHERE id = (SELECT max(id) FROM orders_order WHERE status = 'confirmed' AND kind <> 'external')",
    ),
    Check(
        "orders.who_waits_is_noticed",
        """SELECT l.id, 'backordered, but nobody would tell when goods come in' AS note FROM orders_line l JOIN orders_order o ON o.id = l.order_id
           CROSS JOIN LATERAL unnest(string_to_array(concat_ws(',', o.place_id::text, nullif(o.more_places, '')), ',')::bigint[]) w(place_id)
           LEFT JOIN inventory_stock s ON s.place_id = w.place_id AND s.product_id = l.product_id
           WHERE l.backordered > 0 AND o.kind <> 'external' AND o.allocation <> 'lapsed' AND s.awaited IS NOT TRUE
           UNION ALL
           SELECT s.id, 'goods are kept for somebody, but nobody waits' FROM inventory_stock s WHERE s.awaited
           AND NOT EXISTS (SELECT FROM orders_line l JOIN orders_order o ON o.id = l.order_id
                           WHERE l.backordered > 0 AND l.product_id = s.product_id AND o.allocation <> 'lapsed'
                             AND (o.place_id = s.place_id OR s.place_id = ANY(string_to_array(nullif(o.more_places, ''), ',')::bigint[])))
           AND NOT EXISTS (SELECT FROM base_event WHERE dispatched_at IS NULL)""",
        "UPDATE base_event SET dispatched_at = now() WHERE dispatched_at IS NULL;"
        " UPDATE inventory_stock SET awaited = true WHERE id = (SELECT max(id) FROM inventory_stock WHERE NOT awaited)",
    ),
    Check(
        "orders.lapsed_hold_nothing",
        """SELECT o.id, coalesce(o.number, '') || ': its goods are free, but line ' || l.no || ' holds some' AS note
           FROM orders_order o JOIN orders_line l ON l.order_id = o.id
           WHERE o.allocation = 'lapsed' AND (o.status <> 'confirmed' OR l.qty - l.given_up - l.shipped <> l.backordered)""",
        """UPDATE orders_order SET allocation = 'lapsed', waits_since = NULL, reserved_until = NULL, until_told = false
           WHERE id = (SELECT max(id) FROM orders_order WHERE status = 'confirmed' AND allocation = 'full')""",
    ),
    Check(
        "orders.what_was_taken_out_is_an_order",
        """SELECT l.order_id AS id, 'lines were taken out, but no order came of it' AS note FROM orders_line l
           WHERE l.moved > 0 AND NOT EXISTS (SELECT FROM orders_order o WHERE o.split_from_id = l.order_id)""",
        "UPDATE orders_line SET given_up = given_up + 0.5, moved = 0.5 WHERE id = (SELECT max(id) FROM orders_line WHERE qty > shipped + given_up + 1)",
    ),
    Check(
        "orders.outside_purchases_are_of_outside_sellers",
        """SELECT o.id, coalesce(o.number, '') || ' is an outside purchase, but its seller is one of the network' AS note
           FROM orders_order o JOIN network_organisation s ON s.id = o.seller_id WHERE o.kind = 'external' AND s.kind <> 'supplier'""",
        """UPDATE orders_order SET kind = 'external', allocation = CASE WHEN status IN ('confirmed', 'in_fulfilment') THEN 'outside' ELSE 'none' END,
               waits_since = NULL
           WHERE id = (SELECT max(o.id) FROM orders_order o JOIN network_organisation s ON s.id = o.seller_id WHERE s.kind <> 'supplier')""",
    ),
    Check(
        "orders.transfers_have_their_own_agreement",
        """SELECT o.id, coalesce(o.number, '') || ': kind ' || o.kind || ' under an agreement ' || CASE WHEN a.transfers THEN 'for' ELSE 'not for' END
                  || ' transfers' AS note
           FROM orders_order o JOIN agreements_agreement a ON a.id = o.agreement_id WHERE a.transfers <> (o.kind = 'transfer')""",
        "UPDATE agreements_agreement SET transfers = true WHERE id = (SELECT max(agreement_id) FROM orders_order WHERE kind <> 'transfer')",
    ),
    Check(
        "orders.sides_follow_the_agreement",
        """SELECT o.id, 'sides differ from the agreement' AS note FROM orders_order o JOIN agreements_agreement a ON a.id = o.agreement_id
           WHERE (o.seller_id, o.buyer_id) <> (a.seller_id, a.buyer_id)""",
        "UPDATE orders_order SET seller_id = buyer_id, buyer_id = seller_id WHERE id = (SELECT max(id) FROM orders_order)",
    ),
    Check(
        "orders.refusals_are_between_partners",
        """SELECT r.id, 'refused between two that have no agreement' AS note FROM orders_refusal r
           WHERE NOT EXISTS (SELECT FROM agreements_agreement a WHERE a.seller_id = r.seller_id AND a.buyer_id = r.buyer_id)""",
        """INSERT INTO orders_refusal (at, day, seller_id, buyer_id, channel, by_name, codes, reasons, lines, wrong, digest, tries)
           SELECT now(), now()::date, buyer_id, seller_id, 'page', '', '{orders.no_price}', '{price}', 1, 1, 'planted', 1 FROM orders_order
           WHERE NOT EXISTS (SELECT FROM agreements_agreement a WHERE a.seller_id = orders_order.buyer_id AND a.buyer_id = orders_order.seller_id) LIMIT 1""",
    ),
]
