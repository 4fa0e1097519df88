"""The API as a whole: every module's router under /api/v1, with an OpenAPI page that needs no other server."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.conf import settings
from django.http import HttpRequest
from django.urls import path

from qudao import __version__
from qudao.base.html.pages import prints
from qudao.base.rest import make_api

api = make_api(
    title="Qudao",
    version=__version__,
    urls_namespace="api",
    docs_url="/docs",
    description=(
        "One network, one document, two sides. Sign in with `Authorization: Bearer <token>`. Send an `Idempotency-Key` with every write: "
        "the first answer is replayed byte by byte for 30 days. Pages of 50 rows and more, and every page after the first, are logged as exports. "
        "Refusals are `application/problem+json` and list every fault at its field."
    ),
)

for _module in settings.MODULES:
    if _module != "web" and find_spec(f"qudao.{_module}.api"):
        api.add_router("", import_module(f"qudao.{_module}.api").routes)

api.add_router("", prints.router())


@api.get("/ping", auth=None, tags=["system"], summary="Whether the API answers")
def ping(request: HttpRequest) -> dict[str, str]:
    """For clients that check their address and version; tells nothing else."""
    return {"name": "qudao", "version": __version__}


_patterns, _app, _namespace = api.urls
# From the top storey down, as orders are asked for most: an address is looked for one pattern after the other.
routes = [path("api/v1/", (_patterns[::-1], _app, _namespace))]
