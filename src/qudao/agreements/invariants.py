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
    Check(
        "agreements.assortment_follows_rules",
        # Buyers about whom the same rules speak are looked at once. A day counts as begun a few minutes late: until then the job may still be at it.
        sql="""
            with today as (select ((now() at time zone 'Asia/Shanghai') - interval '5 minutes')::date as day),
            deal as materialized (
                select a.id, a.seller_id, a.channel, b.id as buyer_id, b.path, b.area_code, b.tier, s.hidden_id,
                       array(select u.hidden_id from catalog_audience u where u.viewer_id = a.seller_id and u.hidden_id is not null order by 1) as above
                  from agreements_agreement a join network_organisation b on b.id = a.buyer_id left join agreements_assortment s on s.agreement_id = a.id
                 where a.state = 'active' and (s.id is not null or exists (select from agreements_assortmentrule r where r.seller_id = a.seller_id)
                       or exists (select from catalog_audience u where u.viewer_id = a.seller_id and u.hidden_id is not null))),
            about as materialized (
                select d.id, d.seller_id, d.hidden_id, d.above, array(
                    select r.id from agreements_assortmentrule r cross join today t
                     where r.seller_id = d.seller_id and r.valid_from <= t.day and (r.valid_to is null or r.valid_to >= t.day)
                       and (r.buyer_id is null or r.buyer_id = d.buyer_id)
                       and (r.group_id is null or exists (select from agreements_groupmember m where m.group_id = r.group_id and m.buyer_id = d.buyer_id
                            and m.valid_from <= t.day and (m.valid_to is null or m.valid_to >= t.day)))
                       and (r.region_id is null or strpos(d.path, '/' || r.region_id || '/') > 0) and starts_with(d.area_code, r.area_code)
                       and r.channel in ('', d.channel) and (r.tier is null or r.tier = d.tier) order by 1) as rules
                  from deal d),
            kinds as materialized (select min(id) as id, seller_id, hidden_id, above, rules from about group by 2, 3, 4, 5),
            wanted as (
                select k.id, p.id as product_id from kinds k
                  join catalog_product p on p.owner_id = k.seller_id
                       or p.owner_id in (select u.owner_id from catalog_audience u where u.viewer_id = k.seller_id)
                  left join catalog_category c on c.id = p.category_id
                  cross join lateral (
                    select r.shown from agreements_assortmentrule r left join catalog_category rc on rc.id = r.category_id
                     where r.id = any(k.rules) and (r.product_id is null or r.product_id = p.id) and (r.brand_id is null or r.brand_id = p.brand_id)
                       and (r.category_id is null or starts_with(coalesce(c.path, ''), rc.path))
                     order by (r.product_id is not null) desc, (r.category_id is not null or r.brand_id is not null) desc,
                           (r.buyer_id is not null) desc, (r.group_id is not null) desc,
                           (r.region_id is not null or r.area_code <> '' or r.channel <> '' or r.tier is not null) desc,
                           length(rc.path) - length(replace(rc.path, '/', '')) desc nulls last,
                           (r.region_id is not null)::int + (r.area_code <> '')::int + (r.channel <> '')::int + (r.tier is not null)::int desc,
                           length(r.area_code) desc, r.shown limit 1) w
                 where not w.shown
                union select k.id, h.product_id from kinds k join catalog_hiddenproduct h on h.hidden_id = any(k.above)),
            kept as (select k.id, h.product_id from kinds k join catalog_hiddenproduct h on h.hidden_id = k.hidden_id)
            select coalesce(w.id, k.id) as id,
                   case when k.id is null then 'shows product ' || w.product_id || ' against its rules'
                        else 'hides product ' || k.product_id || ' without a rule' end as note
              from wanted w full join kept k on k.id = w.id and k.product_id = w.product_id where w.id is null or k.id is null
        """,
        plant="""insert into agreements_assortmentrule (seller_id, area_code, channel, shown, valid_from)
                 select seller_id, '', '', false, '2020-01-01' from agreements_agreement where state = 'active' order by id limit 1""",
    ),
    Check(
        "agreements.unseen_by_every_seller",
        sql="""
            with seen as materialized (
                select u.owner_id, u.viewer_id, u.hidden_id as told, a.id as agreement_id, s.hidden_id as way
                  from catalog_audience u join agreements_agreement a on a.buyer_id = u.viewer_id and a.state = 'active'
                   and (a.seller_id = u.owner_id or exists (select from catalog_audience x where x.viewer_id = a.seller_id and x.owner_id = u.owner_id))
                  left join agreements_assortment s on s.agreement_id = a.id),
            kinds as materialized (
                select min(viewer_id) as viewer_id, owner_id, told, ways from (
                    select viewer_id, owner_id, told, array_agg(way order by way) as ways from seen group by 1, 2, 3
                    having told is not null or bool_and(way is not null)) v
                 group by 2, 3, 4),
            wanted as (
                select k.viewer_id, p.id as product_id from kinds k join catalog_product p on p.owner_id = k.owner_id
                 where not exists (select from unnest(k.ways) w(id)
                                    where not exists (select from catalog_hiddenproduct h where h.hidden_id = w.id and h.product_id = p.id))),
            kept as (select k.viewer_id, h.product_id from kinds k join catalog_hiddenproduct h on h.hidden_id = k.told)
            select coalesce(w.viewer_id, k.viewer_id) as id,
                   case when k.viewer_id is null then 'sees product ' || w.product_id || ' that no seller shows it'
                        else 'does not see product ' || k.product_id || ' that a seller shows it' end as note
              from wanted w full join kept k on k.viewer_id = w.viewer_id and k.product_id = w.product_id where w.viewer_id is null or k.viewer_id is null
        """,
        plant="""with s as (insert into catalog_hiddenset (digest) values ('planted') returning id),
                 h as (insert into catalog_hiddenproduct (hidden_id, product_id)
                       select s.id, p.id from s, catalog_audience a join catalog_product p on p.owner_id = a.owner_id
                        where a.hidden_id is null order by a.id limit 1
                       returning hidden_id, product_id)
                 update catalog_audience a set hidden_id = h.hidden_id from h join catalog_product p on p.id = h.product_id
                  where a.id = (select min(x.id) from catalog_audience x where x.owner_id = p.owner_id and x.hidden_id is null)""",
    ),
]
