"""Scan: a code from the camera or a hand scanner leads to what it stands for. Typing it works as well."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from qudao.base.html.pages import door


@door()
def scan(request: HttpRequest) -> HttpResponse:
    """The camera and one field; what is read is looked up by the search, where a full number or barcode opens at once."""
    return render(request, "portal/scan.html", {"title": _("Scan")})


routes = [path("scan/", scan, name="scan")]
