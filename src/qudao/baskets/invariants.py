"""What must hold of baskets, as set-wise SQL that returns the rows that break it."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "baskets.buyer_is_that_of_the_agreement",
        """SELECT b.id, concat_ws(' ', 'basket', b.id, 'is filled by', b.buyer_id, 'but its agreement is bought under by', a.buyer_id) AS note
           FROM baskets_basket b JOIN agreements_agreement a ON a.id = b.agreement_id WHERE a.buyer_id <> b.buyer_id""",
        """INSERT INTO baskets_basket (agreement_id, buyer_id, user_id, version, changed_at, po_number, note)
           SELECT id, seller_id, 0, 0, now(), '', '' FROM agreements_agreement ORDER BY id LIMIT 1""",
    ),
]
