"""What makes a page follow the work of others."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import RequestContext
from django.utils.html import format_html

from qudao.base.pulse import mark_of

register = template.Library()
#: pages without a kind of their own, and whose news they show: "" is a bit of everything
SHOWN = {"home": "", "approvals": "orders.order", "account": "payments.payment", "ageing": "payments.payment", "insight": "orders.order"}


@register.simple_tag(takes_context=True)
def pulse(context: RequestContext) -> Any:
    """The attribute that lets a list, a document or the home page show what changed; nothing on other pages."""
    request, page = context.get("request"), context.get("page")
    actor = getattr(request, "actor", None)
    if not actor or not request or request.method != "GET":
        return ""
    kind, obj = getattr(page, "kind", ""), context.get("obj")
    table = getattr(page, "table", None)
    if not kind and table:
        kind = table.kind
    name = getattr(request.resolver_match, "url_name", "")
    if not kind and name not in SHOWN:
        return ""
    return format_html(' data-pulse="{}"', mark_of(actor, kind or SHOWN[name], obj if kind else None))
