"""Agreements are found by any part of their code, and by the names of their two sides."""

from django.db import migrations

from qudao.base.search import Source, searchable

FOUND = Source(table="agreements_agreement", kind="agreements.agreement", number="r.code", texts="NULL", columns="code")


class Migration(migrations.Migration):
    dependencies = [("base", "0004_create_searchentry"), ("agreements", "0001_create_agreement")]
    operations = [searchable(FOUND)]
