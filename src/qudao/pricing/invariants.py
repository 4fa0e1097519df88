"""What must hold of prices and no constraint of one row can say."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "pricing.assigned_list_belongs_to_seller",
        sql="""
            select la.id, 'list ' || l.code || ' is assigned to agreement ' || a.code || ' of another seller' as note
              from pricing_listassignment la
              join pricing_pricelist l on l.id = la.list_id
              join agreements_agreement a on a.id = la.agreement_id
             where l.owner_id <> a.seller_id
        """,
        plant="update pricing_pricelist set owner_id = (select max(id) from network_organisation where id <> owner_id), is_base = false "
        "where id = (select max(list_id) from pricing_listassignment)",
    ),
    Check(
        "pricing.wide_list_belongs_to_owner",
        sql="""
            select w.id, 'list ' || l.code || ' is assigned to a group or region by somebody else than its owner' as note
              from pricing_wideassignment w
              join pricing_pricelist l on l.id = w.list_id
              left join agreements_group g on g.id = w.group_id
             where l.owner_id <> w.owner_id or g.owner_id <> w.owner_id
        """,
        plant="insert into pricing_wideassignment (owner_id, list_id, area_code, channel, priority) select o.id, l.id, '', 'planted', 0 "
        "from pricing_pricelist l join network_organisation o on o.id <> l.owner_id order by l.id, o.id limit 1",
    ),
    Check(
        "pricing.released_change_has_prices",
        sql="""
            select c.id, 'released without a price' as note from pricing_pricechange c
             where c.state = 'released' and not exists (select from pricing_changeline l where l.change_id = c.id)
        """,
        plant="insert into pricing_pricechange (list_id, title, valid_from, state, created_at, created_name, closed_at) "
        "select max(id), 'planted', current_date, 'released', now(), '', now() from pricing_pricelist",
    ),
]
