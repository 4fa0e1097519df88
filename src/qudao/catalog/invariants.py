"""What must hold of the catalogue and no constraint of one row can say."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "catalog.tax_rate_follows_class",
        sql="""
            select p.id, 'the tax rate of ' || p.code || ' is ' || p.tax_rate || ', of its class ' || t.rate as note
              from catalog_product p cross join lateral (
                select r.rate from catalog_taxrate r where r.tax_class_id = p.tax_class_id and r.valid_from <= (now() at time zone 'Asia/Shanghai')::date - 1
                 order by r.valid_from desc limit 1) t
             where p.tax_class_id is not null and p.tax_rate <> t.rate and not exists (
                select from catalog_taxrate r where r.tax_class_id = p.tax_class_id
                   and r.valid_from = (now() at time zone 'Asia/Shanghai')::date)
        """,
        plant="with c as (insert into catalog_taxclass (owner_id, code, name, name_en, exempt) select owner_id, 'planted', 'planted', '', false "
        "from catalog_product order by id limit 1 returning id), r as (insert into catalog_taxrate (tax_class_id, valid_from, rate) "
        "select id, '2000-01-01', 0.77 from c) update catalog_product set tax_class_id = (select id from c) where id = (select min(id) from catalog_product)",
    ),
    Check(
        "catalog.category_path_follows_parent",
        sql="""
            select c.id, 'path ' || c.path || ' does not follow its parent' as note
              from catalog_category c left join catalog_category p on p.id = c.parent_id
             where c.path <> coalesce(p.path, '/') || c.id || '/'
        """,
        plant="update catalog_category set path = '/0' || path where id = (select max(id) from catalog_category)",
    ),
    Check(
        "catalog.category_of_same_owner",
        sql="""
            select p.id, 'product ' || p.code || ' lies in a category of another owner' as note
              from catalog_product p join catalog_category c on c.id = p.category_id where c.owner_id <> p.owner_id
        """,
        plant="""update catalog_category set owner_id = (select min(id) from network_organisation o where o.id <> catalog_category.owner_id)
                  where id = (select max(category_id) from catalog_product)""",
    ),
]
