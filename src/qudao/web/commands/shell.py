"""A Python shell with the models at hand. Rows are guarded: use `Model.unscoped`, or `visible(actor)`."""

from __future__ import annotations

import argparse
import sys

NEEDS = "django"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", "--code", help="run this and leave; '-' reads it from standard input")


def run(args: argparse.Namespace) -> int:
    import code

    from django.apps import apps

    names = {model.__name__: model for model in apps.get_models() if model.__module__.startswith("qudao.")}
    if args.code:
        exec(sys.stdin.read() if args.code == "-" else args.code, {**names, "__name__": "__main__"})
        return 0
    try:
        import readline  # noqa: F401 - gives the prompt a history
    except ImportError:
        pass
    code.interact(banner=f"qudao shell: {len(names)} models", local=names, exitmsg="")
    return 0
