"""What must hold of agreements and no constraint of one row can say."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "agreements.audience_follows_agreements",
        sql="""
            with recursive up(viewer, owner) as (
                select buyer_id, seller_id from agreements_agreement where state = 'active' and not transfers
                union select up.viewer, a.seller_id from up join agreements_agreement a on a.buyer_id = up.owner where a.state = 'active' and not a.transfers)
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
            side as materialized (
                select a.seller_id, exists (select from agreements_assortmentrule r where r.seller_id = a.seller_id) as ruled,
                       array(select u.hidden_id from catalog_audience u where u.viewer_id = a.seller_id and u.hidden_id is not null order by 1) as above
                  from (select distinct seller_id from agreements_agreement where state = 'active' and not transfers) a),
            deal as materialized (
                select a.id, a.seller_id, a.channel, b.id as buyer_id, b.path, b.area_code, b.tier, s.hidden_id, t.above
                  from agreements_agreement a join side t on t.seller_id = a.seller_id join network_organisation b on b.id = a.buyer_id
                  left join agreements_assortment s on s.agreement_id = a.id
                 where a.state = 'active' and not a.transfers and (s.id is not null or t.ruled or t.above <> '{}')),
            live as materialized (
                select r.* from agreements_assortmentrule r cross join today t where r.valid_from <= t.day and (r.valid_to is null or r.valid_to >= t.day)),
            found as (
                select d.id, r.id as rule_id from deal d join live r on r.seller_id = d.seller_id and r.buyer_id = d.buyer_id
                union all
                select d.id, r.id from deal d join agreements_groupmember m on m.buyer_id = d.buyer_id
                  join live r on r.seller_id = d.seller_id and r.group_id = m.group_id cross join today t
                 where m.valid_from <= t.day and (m.valid_to is null or m.valid_to >= t.day)
                union all
                select d.id, r.id from deal d join live r on r.seller_id = d.seller_id and r.buyer_id is null and r.group_id is null
                 where (r.region_id is null or strpos(d.path, '/' || r.region_id || '/') > 0) and starts_with(d.area_code, r.area_code)
                   and r.channel in ('', d.channel) and (r.tier is null or r.tier = d.tier)),
            each as (select id, array_agg(rule_id order by rule_id) as rules from found group by 1),
            about as materialized (
                select d.id, d.seller_id, d.hidden_id, d.above, coalesce(e.rules, '{}') as rules from deal d left join each e on e.id = d.id),
            kinds as materialized (select min(id) as id, seller_id, hidden_id, above, rules from about group by 2, 3, 4, 5),
            rule as materialized (
                select k.id as kind, k.seller_id, r.product_id, r.brand_id, r.category_id, c.path, r.shown, array[
                       case when r.product_id is not null then 2 when r.category_id is not null or r.brand_id is not null then 1 else 0 end,
                       case when r.buyer_id is not null then 3 when r.group_id is not null then 2
                            when r.region_id is not null or r.area_code <> '' or r.channel <> '' or r.tier is not null then 1 else 0 end,
                       coalesce(length(c.path) - length(replace(c.path, '/', '')), 0),
                       (r.region_id is not null)::int + (r.area_code <> '')::int + (r.channel <> '')::int + (r.tier is not null)::int,
                       length(r.area_code)] as weight
                  from kinds k cross join unnest(k.rules) x(id) join agreements_assortmentrule r on r.id = x.id
                  left join catalog_category c on c.id = r.category_id),
            named as (
                select r.*, p.id as named_id, p.owner_id from rule r join catalog_product p on p.id = r.product_id
                union all select r.*, p.id, p.owner_id from rule r join catalog_product p on p.brand_id = r.brand_id
                union all select r.*, p.id, p.owner_id from rule r
                  join catalog_category c on starts_with(c.path, r.path) join catalog_product p on p.category_id = c.id
                union all select r.*, p.id, p.owner_id from rule r cross join catalog_product p
                 where coalesce(r.product_id, r.brand_id, r.category_id) is null),
            first as (
                select distinct on (kind, named_id) kind as id, named_id as product_id, seller_id, owner_id, shown
                  from named order by 1, 2, weight desc, shown),
            wanted as (
                select f.id, f.product_id from first f where not f.shown and (f.owner_id = f.seller_id
                    or exists (select from catalog_audience u where u.viewer_id = f.seller_id and u.owner_id = f.owner_id))
                union select k.id, h.product_id from kinds k join catalog_hiddenproduct h on h.hidden_id = any(k.above)),
            kept as (select k.id, h.product_id from kinds k join catalog_hiddenproduct h on h.hidden_id = k.hidden_id)
            select coalesce(w.id, k.id) as id,
                   case when k.id is null then 'shows product ' || w.product_id || ' against its rules'
                        else 'hides product ' || k.product_id || ' without a rule' end as note
              from wanted w full join kept k on k.id = w.id and k.product_id = w.product_id where w.id is null or k.id is null
        """,
        plant="""insert into agreements_assortmentrule (seller_id, area_code, channel, shown, valid_from)
                 select seller_id, '', '', false, '2020-01-01' from agreements_agreement where state = 'active' and not transfers order by id limit 1""",
    ),
    Check(
        "agreements.unseen_by_every_seller",
        sql="""
            with seen as materialized (
                select u.owner_id, u.viewer_id, u.hidden_id as told, a.id as agreement_id, s.hidden_id as way
                  from catalog_audience u join agreements_agreement a on a.buyer_id = u.viewer_id and a.state = 'active' and not a.transfers
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
