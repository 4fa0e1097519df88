"""Background work in one process: procrastinate's jobs, and the dispatcher that delivers the outbox's events."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
import threading

from qudao.web.process import PARENT

NEEDS = "django"
#: seconds before the loading of the demo is tried again after it died
PAUSE = 5
log = logging.getLogger("qudao.worker")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--concurrency", type=int, default=4, help="jobs at the same time (default 4)")
    parser.add_argument("--no-jobs", action="store_true", help="only deliver events")
    parser.add_argument("--no-events", action="store_true", help="only run jobs")


def run(args: argparse.Namespace) -> int:
    stop = threading.Event()
    dispatcher = None if args.no_events else _start_dispatcher(stop)
    _start_demo(stop)
    code = 0
    try:
        if args.no_jobs:
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            signal.signal(signal.SIGINT, lambda *_: stop.set())
            stop.wait()
        else:
            _jobs(args.concurrency)  # returns at SIGTERM or SIGINT, after the running jobs
    finally:
        code = 1 if stop.is_set() and not args.no_jobs else 0
        stop.set()
        if dispatcher:
            dispatcher.join(timeout=10)
    return code


def _start_demo(stop: threading.Event) -> None:
    """Let what is missing of a demo be loaded by a process of low priority, which ends with this one."""
    from django.conf import settings

    if settings.DEMO:
        threading.Thread(target=_load_demo, args=(stop,), name="demo", daemon=True).start()


def _load_demo(stop: threading.Event) -> None:
    """Until the demo is complete: a process that dies is followed by another, which goes on with the day that it left."""
    env = {**os.environ, PARENT: str(os.getpid()), "QUDAO_STATEMENT_TIMEOUT": "0"}
    while _demo_lacks() and not stop.is_set():
        process = subprocess.Popen([sys.executable, "-m", "qudao.web.cli", "demo", "--finish"], stdin=subprocess.DEVNULL, env=env)
        while process.poll() is None and not stop.wait(0.5):
            pass
        if process.poll() is None:
            process.terminate()
        elif process.returncode:
            log.warning("the loading of the demo ended with code %s; it goes on in %s s", process.returncode, PAUSE)
            stop.wait(PAUSE)


def _demo_lacks() -> bool:
    from django.db import DatabaseError, connection

    from qudao.web import demo

    try:
        known = demo.status()
        return bool(known and known.stage == 2 and not known.complete)
    except DatabaseError:
        log.warning("how far the demo is cannot be read", exc_info=True)
        return True  # the loading itself waits for the database, or says why not
    finally:
        connection.close()


def _jobs(concurrency: int) -> None:
    from procrastinate.contrib.django import app

    app.with_connector(app.connector.get_worker_connector()).run_worker(  # type: ignore[attr-defined]
        concurrency=concurrency,
        install_signal_handlers=True,
        listen_notify=True,
        fetch_job_polling_interval=5,
        shutdown_graceful_timeout=20,
        delete_jobs="successful",
    )


def _start_dispatcher(stop: threading.Event) -> threading.Thread:
    from qudao.base.outbox import run_dispatcher

    def work() -> None:
        try:
            run_dispatcher(stop)
        except Exception:
            log.exception("the dispatcher of events failed")
        if not stop.is_set():  # half a worker is worse than none: the supervisor starts a new one
            stop.set()
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=work, name="dispatcher", daemon=True)
    thread.start()
    return thread
