"""What must hold of stock, as set-wise SQL that returns the rows that break it."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "inventory.stock_is_sum_of_moves",
        """SELECT coalesce(s.id, 0) AS id,
                  concat_ws(' ', 'place', place_id, 'product', product_id, 'has', coalesce(s.on_hand, 0), 'but its moves sum to', coalesce(m.qty, 0)) AS note
           FROM (SELECT place_id, product_id, sum(qty) AS qty
                 FROM (SELECT to_place_id AS place_id, product_id, sum(qty) AS qty FROM inventory_move GROUP BY 1, 2
                       UNION ALL SELECT from_place_id, product_id, -sum(qty) FROM inventory_move GROUP BY 1, 2) both_ends
                 GROUP BY 1, 2) m
           FULL JOIN inventory_stock s USING (place_id, product_id)
           LEFT JOIN inventory_place p ON p.id = place_id
           WHERE coalesce(s.on_hand, 0) <> coalesce(m.qty, 0) AND p.kind IS DISTINCT FROM 'outside'""",
        """UPDATE inventory_stock SET on_hand = on_hand + 1 WHERE id = (SELECT max(id) FROM inventory_stock)""",
    ),
    Check(
        "inventory.reserved_is_sum_of_open_reservations",
        """SELECT coalesce(s.id, 0) AS id, concat_ws(' ', 'place', place_id, 'product', product_id, 'has reserved', coalesce(s.reserved, 0),
                                                     'but its open reservations sum to', coalesce(r.qty, 0)) AS note
           FROM (SELECT place_id, product_id, sum(qty - taken - released) AS qty FROM inventory_reservation WHERE state = 'open' GROUP BY 1, 2) r
           FULL JOIN inventory_stock s USING (place_id, product_id)
           WHERE coalesce(s.reserved, 0) <> coalesce(r.qty, 0)""",
        """UPDATE inventory_stock SET on_hand = on_hand + 1, reserved = reserved + 1 WHERE id = (SELECT max(id) FROM inventory_stock)""",
    ),
    Check(
        "inventory.closed_places_are_empty",
        """SELECT s.id, concat_ws(' ', 'the closed place', p.code, 'has or awaits product', s.product_id, s.on_hand) AS note
           FROM inventory_place p JOIN inventory_stock s ON s.place_id = p.id WHERE p.closed AND (s.on_hand > 0 OR s.awaited)""",
        """UPDATE inventory_place SET closed = true, code = 'planted', kind = 'stock'
            WHERE id = (SELECT place_id FROM inventory_stock WHERE on_hand > 0 ORDER BY id DESC LIMIT 1)""",
    ),
    Check(
        "inventory.reserved_within_on_hand",
        """SELECT id, concat_ws(' ', 'place', place_id, 'product', product_id, 'has', on_hand, 'and reserved', reserved) AS note
           FROM inventory_stock WHERE reserved < 0 OR reserved > on_hand
           UNION ALL
           SELECT id, concat_ws(' ', 'reservation', id, 'of', qty, 'took', taken, 'and released', released) FROM inventory_reservation
           WHERE taken < 0 OR released < 0 OR taken + released > qty OR (state = 'open') <> (taken + released < qty)""",
        """ALTER TABLE inventory_stock DROP CONSTRAINT inventory_stock_reserved_within;
           UPDATE inventory_stock SET reserved = on_hand + 1 WHERE id = (SELECT max(id) FROM inventory_stock)""",
    ),
    Check(
        "inventory.moves_name_known_places",
        """SELECT m.product_id AS id, concat_ws(' ', 'moves of product', m.product_id, 'from', m.from_place_id, 'to', m.to_place_id, 'name something unknown')
                  AS note
           FROM (SELECT DISTINCT product_id, from_place_id, to_place_id FROM inventory_move) m
           WHERE NOT EXISTS (SELECT FROM catalog_product WHERE id = m.product_id)
              OR NOT EXISTS (SELECT FROM inventory_place WHERE id = m.from_place_id) OR NOT EXISTS (SELECT FROM inventory_place WHERE id = m.to_place_id)""",
        """INSERT INTO inventory_move (month, at, product_id, qty, from_place_id, to_place_id, subject_kind, subject_id, number)
           VALUES ('2026-01-01', now(), 0, 1, 0, -1, 'planted', 0, '')""",
    ),
    Check(
        "inventory.outside_keeps_no_stock",
        """SELECT s.id, 'place ' || s.place_id || ' is outside and has a stock row' AS note FROM inventory_stock s
           JOIN inventory_place p ON p.id = s.place_id WHERE p.kind = 'outside'""",
        """UPDATE inventory_stock SET place_id = (SELECT min(id) FROM inventory_place WHERE kind = 'outside')
           WHERE id = (SELECT max(id) FROM inventory_stock)""",
    ),
    Check(
        "inventory.blocked_goods_lie_in_warehouses",
        """SELECT h.id, concat_ws(' ', h.what, h.id, 'is blocked for quality in place', p.code, 'which is no warehouse') AS note
           FROM (SELECT id, 'stock' AS what, place_id FROM inventory_stock WHERE held <> ''
                 UNION ALL SELECT id, 'lot', place_id FROM inventory_lot WHERE held <> '') h
           JOIN inventory_place p ON p.id = h.place_id WHERE p.kind <> 'stock'""",
        """UPDATE inventory_stock SET held = 'planted' WHERE id = (SELECT max(s.id) FROM inventory_stock s
           JOIN inventory_place p ON p.id = s.place_id WHERE p.kind = 'transit')""",
    ),
    Check(
        "inventory.rules_name_own_warehouses",
        """SELECT r.id, concat_ws(' ', 'rule', r.id, 'of', r.owner_id, 'names place', n.place_id, 'which is not its warehouse') AS note
           FROM inventory_servingrule r CROSS JOIN LATERAL unnest(r.place_ids) n(place_id) LEFT JOIN inventory_place p ON p.id = n.place_id
           WHERE p.owner_id IS DISTINCT FROM r.owner_id OR p.kind <> 'stock'""",
        "INSERT INTO inventory_servingrule (owner_id, area_code, place_ids, splits) SELECT min(owner_id), 'planted', '{0}', true FROM inventory_place",
    ),
    Check(
        "inventory.lots_sum_to_on_hand",
        """SELECT coalesce(s.id, 0) AS id, concat_ws(' ', 'place', place_id, 'product', product_id, 'has', coalesce(s.on_hand, 0), 'but its lots sum to',
                  coalesce(l.qty, 0)) AS note
           FROM (SELECT s.*, t.id IS NOT NULL AS by_lot FROM inventory_stock s LEFT JOIN inventory_tracked t USING (product_id)) s
           FULL JOIN (SELECT place_id, product_id, sum(qty) AS qty FROM inventory_lot GROUP BY 1, 2) l USING (place_id, product_id)
           WHERE s.tracked IS DISTINCT FROM s.by_lot OR coalesce(l.qty, 0) <> CASE WHEN s.by_lot THEN s.on_hand ELSE 0 END""",
        "INSERT INTO inventory_lot (place_id, product_id, lot, qty) VALUES (0, 0, 'planted', 1)",
    ),
    Check(
        "inventory.lots_are_sum_of_lot_moves",
        """SELECT coalesce(l.id, 0) AS id, concat_ws(' ', 'lot', lot, 'of product', product_id, 'in place', place_id, 'has', coalesce(l.qty, 0),
                  'but its moves sum to', coalesce(m.qty, 0)) AS note
           FROM (SELECT place_id, product_id, lot, sum(qty) AS qty
                 FROM (SELECT to_place_id AS place_id, product_id, lot, qty FROM inventory_lotmove
                       UNION ALL SELECT from_place_id, product_id, lot, -qty FROM inventory_lotmove) both_ends
                 JOIN inventory_place p ON p.id = place_id AND p.kind <> 'outside' GROUP BY 1, 2, 3) m
           FULL JOIN inventory_lot l USING (place_id, product_id, lot)
           WHERE coalesce(l.qty, 0) <> coalesce(m.qty, 0)""",
        "INSERT INTO inventory_lotmove (at, product_id, lot, qty, from_place_id, to_place_id, subject_kind, subject_id, number)"
        " VALUES (now(), 0, 'planted', 1, 0, (SELECT min(id) FROM inventory_place WHERE kind = 'stock'), 'planted', 0, '')",
    ),
]
