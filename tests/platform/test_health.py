"""/livez and /readyz: what they look at, and what makes an installation unfit."""

import pytest
from django.db import connection

from qudao.web import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forget_migrations(monkeypatch):
    monkeypatch.setattr(health, "_migrations", (float("-inf"), {}))


def beat():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")  # those that tests of committed work left
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
        cursor.execute("INSERT INTO base_heartbeat (name, at, detail) VALUES ('dispatcher', now(), '{}')")


def test_livez_answers_to_any_host_name_without_touching_the_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/livez", headers={"host": "203.0.113.9"})
    assert response.json() == {"ok": True}
    assert "no-store" in response["Cache-Control"]


def test_readyz_is_well_with_a_living_worker(client):
    beat()
    response = client.get("/readyz")
    assert response.status_code == 200, response.json()
    assert set(response.json()["checks"]) == {"database", "migrations", "worker", "queue", "outbox", "disk"}


def test_without_a_worker_it_is_not_ready(client):
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["worker"] == {"ok": False, "jobs_heartbeat_age": None, "events_heartbeat_age": None}


def test_a_worker_that_delivers_no_events_is_not_enough():
    beat()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE base_heartbeat SET at = now() - interval '5 minutes'")
    found = health.worker()
    assert not found["ok"]
    assert found["events_heartbeat_age"] > 290


def test_an_old_job_makes_the_queue_late():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, scheduled_at, priority, attempts, abort_requested)"
            " VALUES ('default', 'x', '{}', 'todo', now() - interval '1 hour', 0, 0, false)"
        )
    found = health.queue()
    assert not found["ok"]
    assert found["oldest_age"] >= 3600


def test_an_old_event_makes_the_outbox_late():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO base_event (at, month, name, version, payload, subject_kind, subject_id, number)"
            " VALUES (now() - interval '2 minutes', '2026-01-01', 'x.X', 1, '{}', 'x', 0, '')"
        )
    assert not health.outbox()["ok"]


def test_missing_migrations_are_counted_and_not_remembered():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations WHERE app = 'procrastinate')")
    assert health.migrations() == {"ok": False, "missing": 1}
    assert health._migrations[1] == {}


def test_a_full_disk_is_not_ready(monkeypatch):
    monkeypatch.setattr(health, "DISK_FREE", 10**18)
    assert not health.disk()["ok"]


def test_without_a_database_the_rest_is_unknown_and_nothing_raises(client, monkeypatch):
    def gone():
        raise health.DatabaseError("gone")

    monkeypatch.setattr(health, "database", gone)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == {"ok": False, "fault": "DatabaseError"}
    assert response.json()["checks"]["worker"]["fault"] == "unknown without the database"
