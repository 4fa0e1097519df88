"""Template tags: icons, and the one filter for each kind of figure. Load with `{% load qudao %}`."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any
from uuid import uuid4

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from qudao.base.html import figures
from qudao.base.html.meters import Meter

register = template.Library()

register.filter("money", figures.money)
register.filter("amount", figures.amount)
register.filter("short_money", figures.short_money)
register.filter("price", figures.price)
register.filter("qty", figures.qty)
register.filter("percent", figures.percent)
register.filter("day", figures.day)
register.filter("day_long", figures.day_long)
register.filter("moment", figures.moment)
register.filter("moment_short", figures.moment_short)
register.filter("age", figures.age)
register.filter("state", figures.state)
register.filter("count", figures.count)
register.filter("line_count", figures.lines)


@register.filter
def tone(word: Any, name: str) -> SafeString:
    """A state's word in one of the five tones: `{{ order.get_status_display|tone:"wait" }}`."""
    return figures.badge(word, name)


@register.filter
def item(mapping: Any, key: Any) -> Any:
    """`mapping[key]`, or nothing."""
    return mapping.get(key, "") if hasattr(mapping, "get") else ""


@register.filter
def undo(message: Any) -> Any:
    """What takes back the change that a toast tells of: address and fields of a POST; None when nothing does."""
    return json.loads(message.extra_tags) if (message.extra_tags or "").startswith("{") else None


@register.simple_tag
def sep() -> SafeString:
    """The separator between short facts."""
    return figures.SEP


@register.simple_tag
@lru_cache(1024)
def icon(name: str, css: str = "") -> SafeString:
    """An icon of the built sprite; always beside a word or inside something with a label."""
    return figures.icon(name, css)


@register.simple_tag
def spark(points: Any) -> SafeString:
    """A sparkline."""
    return figures.spark(points)


@register.simple_tag
def goal(share: Any, mark: Any = None) -> SafeString:
    """A bar of a share with the target's tick."""
    return figures.goal(share, mark)


@register.simple_tag
def meter(found: Meter, ident: str = "m") -> SafeString:
    """The credit meter's drawing."""
    return found.svg(ident)


@register.simple_tag
def client_id() -> SafeString:
    """The hidden field that makes a second submit of the same form harmless."""
    return format_html('<input type="hidden" name="client_id" value="{}">', uuid4())
