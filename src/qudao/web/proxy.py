"""Whose X-Forwarded-* headers are believed: only those of the configured proxies; from anybody else they are dropped."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT", "HTTP_FORWARDED")


class TrustedProxyMiddleware:
    """Set REMOTE_ADDR to the person's own address, which sign-in limits and the log rely on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.networks = [ipaddress.ip_network(one, strict=False) for one in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        if not self._trusted(meta.get("REMOTE_ADDR", "")):
            for name in FORWARDED:
                meta.pop(name, None)
        elif meta.get("HTTP_X_FORWARDED_FOR"):
            # Read from the right: each proxy appends, so the first address that is no proxy of ours is the person's.
            hops = [hop.strip() for hop in meta["HTTP_X_FORWARDED_FOR"].split(",") if hop.strip()]
            person = next((hop for hop in reversed(hops) if not self._trusted(hop)), hops[0] if hops else meta["REMOTE_ADDR"])
            if self._address(person):
                meta["REMOTE_ADDR"] = person
        return self.get_response(request)

    @staticmethod
    def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        try:
            return ipaddress.ip_address(text)
        except ValueError:
            return None

    def _trusted(self, text: str) -> bool:
        address = self._address(text)
        return address is not None and any(address in network for network in self.networks)
