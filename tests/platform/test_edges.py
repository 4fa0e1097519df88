"""Proxy headers, progress, and the guards the browser is told about."""

import io
import re
import sys

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from qudao.web.progress import Progress, track
from qudao.web.proxy import TrustedProxyMiddleware


def seen_address(settings, trusted, peer, forwarded):
    settings.TRUSTED_PROXIES = trusted
    seen = {}

    def view(request):
        seen.update(address=request.META["REMOTE_ADDR"], header=request.META.get("HTTP_X_FORWARDED_FOR"))
        return HttpResponse()

    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers={"x-forwarded-for": forwarded, "x-forwarded-proto": "https"})
    TrustedProxyMiddleware(view)(request)
    return seen


def test_forwarded_headers_of_strangers_are_dropped(settings):
    assert seen_address(settings, [], "203.0.113.5", "1.2.3.4") == {"address": "203.0.113.5", "header": None}


def test_behind_our_proxies_the_first_stranger_from_the_right_is_the_person(settings):
    seen = seen_address(settings, ["10.0.0.0/8"], "10.0.0.2", "6.6.6.6, 198.51.100.7, 10.0.0.1")
    assert seen["address"] == "198.51.100.7", "6.6.6.6 is what the person's own client claimed"


def test_nonsense_in_the_header_does_not_become_an_address(settings):
    assert seen_address(settings, ["10.0.0.2"], "10.0.0.2", "<script>")["address"] == "10.0.0.2"


def test_pages_forbid_inline_scripts_and_frames(client):
    policy = client.get("/accounts/login/nowhere")["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert client.get("/sign-in/")["Permissions-Policy"].startswith("camera=(self), microphone=()")


@pytest.mark.parametrize("force", [True, False])
def test_short_work_shows_no_progress(force):
    stream = io.StringIO()
    with Progress("rows", 3, force=force, stream=stream) as bar:
        bar.advance()
    assert stream.getvalue() == ""


def test_long_work_shows_share_and_time_left(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("qudao.web.progress.time.monotonic", lambda: now[0])
    stream = io.StringIO()
    with Progress("rows", 10, force=True, stream=stream) as bar:
        for _ in range(5):
            now[0] += 1
            bar.advance()
    assert "50% 5/10 0:05, 0:05 left" in stream.getvalue()


def test_a_pipe_gets_no_progress_unless_asked(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("qudao.web.progress.time.monotonic", lambda: now[0])
    stream = io.StringIO()
    with Progress("rows", 10, stream=stream) as bar:
        now[0] = 9
        bar.advance()
    assert stream.getvalue() == ""
    assert list(track([1, 2], "rows")) == [1, 2]


def test_a_fault_is_told_by_a_reference_that_the_log_knows(monkeypatch, caplog):
    def fail(*args):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(sys.modules["qudao.base.html.pages.door"], "redirect_to_login", fail)
    answer = Client(raise_request_exception=False).get("/orders/")
    assert answer.status_code == 500
    (reference,) = set(re.findall(r"<code>(\w{10})</code>", answer.content.decode()))
    (record,) = [one for one in caplog.records if reference in one.getMessage()]
    assert record.exc_info and "broken on purpose" in str(record.exc_info[1]) and "/orders/" in record.getMessage()
    assert [one for one in caplog.records if one.name == "django.request"] == [], "once is enough"
