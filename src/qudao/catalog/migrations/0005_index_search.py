"""Products are found by code, names, pinyin and barcode."""

from django.db import migrations

from qudao.base.search import Source, searchable

FOUND = Source(
    table="catalog_product",
    kind="catalog.product",
    number="r.code",
    texts="r.name, r.name_en, r.pinyin, nullif(ltrim(r.gtin, '0'), '')",
    columns="code, name, name_en, pinyin, gtin",
    seller="r.owner_id",
    buyer="NULL::bigint",
)


class Migration(migrations.Migration):
    dependencies = [("base", "0004_create_searchentry"), ("catalog", "0004_fill_pinyin")]
    operations = [searchable(FOUND)]
