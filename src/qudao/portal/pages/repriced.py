"""On a change of prices: the orders of the last months priced again by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from qudao.base.html import figures
from qudao.base.html.pages import Panel
from qudao.kernel import clock
from qudao.portal.queries.repriced import repriced

MONTHS = (3, 6, 12)


def panel(request: HttpRequest, change: Any) -> Panel | None:
    """The months are chosen in the address, so that the page itself costs nothing. Named in `qudao.web.panels`."""
    actor: Any = request.actor  # type: ignore[attr-defined]
    if actor.org_id != change.list.owner_id or not actor.can("orders.view"):
        return None
    asked = request.GET.get("months", "")
    items: list[dict[str, Any]] = []
    for months in MONTHS:
        item: dict[str, Any] = {"label": _("Orders of the last {months} months").format(months=months), "url": f"?months={months}"}
        if asked == str(months):
            found = repriced(actor, change, clock.today() - timedelta(days=months * 365 // 12))
            sign, currency = "+" if found.delta > 0 else "", change.list.currency
            item |= {
                "facts": [figures.documents(found.orders), figures.lines(found.lines), figures.money(found.amount, currency)],
                "end": f"{sign}{figures.money(found.delta, currency)}",
            }
        items.append(item)
    return Panel(_("If it had counted before"), "parts/panel_items.html", {"items": items}, aside=True)
