"""The web server: granian in WSGI mode, its processes sharing one port."""

from __future__ import annotations

import argparse

from qudao.web import config

NEEDS = "settings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bind", help="address to listen on (setting bind)")
    parser.add_argument("--port", type=int, help="port to listen on (setting port)")
    parser.add_argument("--workers", type=int, help="processes (setting web_workers)")
    parser.add_argument("--threads", type=int, help="threads of each process (setting web_threads)")


def run(args: argparse.Namespace) -> int:
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    chosen = config.current()
    Granian(
        "qudao.web.wsgi:application",
        address=args.bind or chosen.bind,
        port=args.port or chosen.port,
        interface=Interfaces.WSGI,
        workers=args.workers or chosen.web_workers,
        blocking_threads=args.threads or chosen.web_threads,
        websockets=False,
        respawn_failed_workers=True,
        respawn_interval=1.0,
        workers_kill_timeout=15,
        log_level=LogLevels.info if chosen.log_level == "DEBUG" else LogLevels.warning,
        process_name=None,
    ).serve()
    return 0
