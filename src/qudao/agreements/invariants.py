"""What must hold of agreements and no constraint of one row can say."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "agreements.audience_follows_agreements",
        sql="""
            with recursive up(viewer, owner) as (
                select buyer_id, seller_id from agreements_agreement where state = 'active'
                union select up.viewer, a.seller_id from up join agreements_agreement a on a.buyer_id = up.owner where a.state = 'active')
            select coalesce(up.viewer, s.viewer_id) as id,
                   case when s.id is null then 'does not see the products of ' || up.owner
                        else 'sees the products of ' || s.owner_id || ' without an agreement' end as note
              from (select * from up where viewer <> owner) up
              full join catalog_audience s on s.viewer_id = up.viewer and s.owner_id = up.owner
             where s.id is null or up.viewer is null
        """,
        plant="delete from catalog_audience where id = (select max(id) from catalog_audience)",
    ),
]
