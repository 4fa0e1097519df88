"""The root of all addresses: sign-in, and the `routes` of every module's pages and API."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from qudao.base.html.pages import prints
from qudao.web import api


def _routes(room: str) -> list[URLPattern | URLResolver]:
    """The routes that each installed module's `room` ends with, upper storeys first; a module without that room has none."""
    found: list[URLPattern | URLResolver] = []
    for name in reversed(settings.MODULES):
        folder = Path(settings.PACKAGE) / name
        if (folder / f"{room}.py").exists() or (folder / room / "__init__.py").exists():
            found += import_module(f"qudao.{name}.{room}").routes
    return found


urlpatterns: list[URLPattern | URLResolver] = [
    *api.routes,  # first: an address is looked for from the top, and one beginning spares a program hundreds of pages
    path("i18n/", include("django.conf.urls.i18n")),
    *_routes("pages"),
    *prints.pages(),
]

handler403 = "qudao.base.html.pages.forbidden"
handler404 = "qudao.base.html.pages.not_found"
handler500 = "qudao.base.html.pages.broken"
