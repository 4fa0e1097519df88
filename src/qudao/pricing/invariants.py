"""What must hold of prices and no constraint of one row can say."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "pricing.assigned_list_belongs_to_seller",
        sql="""
            select la.id, 'list ' || l.code || ' is assigned to agreement ' || a.code || ' of another seller or currency' as note
              from pricing_listassignment la
              join pricing_pricelist l on l.id = la.list_id
              join agreements_agreement a on a.id = la.agreement_id
             where l.owner_id <> a.seller_id or l.currency <> a.currency
        """,
        plant="update pricing_pricelist set currency = 'XXX' where id = (select max(list_id) from pricing_listassignment)",
    ),
]
