"""The schema as Django alone makes it: half a minute, so the conftest takes it in by QUDAO_SLOW=1 only. Every other test stands on the quick way."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest
from django.db import connection

pytestmark = pytest.mark.django_db
SCHEMA = """
SELECT format('%s.%s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid))
  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
"""


def test_migrate_makes_the_schema_that_django_alone_makes():
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        quick = sorted(cursor.fetchall())
    assert len(quick) > 1000
    where = connection.settings_dict
    place = {"host": where["HOST"], "port": where["PORT"], "user": where["USER"], "password": where["PASSWORD"]}
    name = f"test_qudao_{os.getpid()}_usual"  # dropped by the next run if this one is killed
    url = "postgresql://{user}:{password}@{host}:{port}".format(**place)
    env = {**os.environ, "DATABASE_URL": f"{url}/{name}", "DJANGO_SETTINGS_MODULE": "qudao.web.settings", "QUDAO_STATEMENT_TIMEOUT": "0"}
    with psycopg.connect(dbname="postgres", autocommit=True, **place) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            assert subprocess.call([sys.executable, "-m", "django", "migrate", "-v", "0"], env=env) == 0
            with psycopg.connect(dbname=name, autocommit=True, **place) as usual:
                assert sorted(usual.execute(SCHEMA).fetchall()) == quick
        finally:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
