"""Organisations are found by code, names and pinyin."""

from django.db import migrations

from qudao.base.search import Source, searchable

FOUND = Source(
    table="network_organisation",
    kind="network.organisation",
    number="r.code",
    texts="r.name, r.name_en, r.pinyin",
    columns="code, name, name_en, pinyin",
    seller="r.id",
    buyer="r.id",
)


class Migration(migrations.Migration):
    dependencies = [("base", "0004_create_searchentry"), ("network", "0003_fill_pinyin")]
    operations = [searchable(FOUND)]
