"""What must hold of the catalogue and no constraint of one row can say."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
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
