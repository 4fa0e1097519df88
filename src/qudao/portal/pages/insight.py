"""The year in figures: months as a chart with the table it is drawn from; each month opens the orders that sum to it; and the table as a file."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from qudao.analytics.queries import Span, calendar
from qudao.base import sheets
from qudao.base.html import figures
from qudao.base.html.pages import door
from qudao.kernel import clock
from qudao.kernel.period import month_of, month_span
from qudao.portal.pages.ways import link

MONTHS = 13


def _row(month: date, span: Span) -> dict[str, Any]:
    return {
        "month": month,
        "label": figures.month(month),
        "span": span,
        "time": figures.age(timedelta(minutes=int(span.ship_hours * 60))) if span.ship_hours is not None else "",
        "url": link("counted_orders", f"side=sell&from={month:%Y-%m-%d}&to={month_span(month).end:%Y-%m-%d}"),
    }


def _sheet(request: HttpRequest, months: list[tuple[date, Span]], kind: str) -> HttpResponse:
    heads = [_("Month"), _("Orders"), _("Ordered (incl. tax)"), _("Collected"), _("Without a person"), _("Left in time"), _("Hours to dispatch")]
    cells = [[month, s.orders, s.amount, s.collected, s.straight_share, s.on_time_share, s.ship_hours] for month, s in months]
    actor = request.actor  # type: ignore[attr-defined]
    mark = sheets.mark_for(actor)
    sheets.log_export(_("Figures of the year"), len(cells), mark, actor=actor)
    write, mime = (sheets.write_xlsx, sheets.XLSX) if kind == "xlsx" else (sheets.write_csv, sheets.CSV)
    return HttpResponse(write(heads, cells, mark), content_type=mime, headers={"Content-Disposition": f'attachment; filename="{mark.named("insight")}.{kind}"'})


@door("orders.view")
def insight(request: HttpRequest) -> HttpResponse:
    """What the own organisation sold and collected by month. One statement, of at most a row a day."""
    actor = request.actor  # type: ignore[attr-defined]
    today = clock.today()
    first = month_of(month_of(today) - timedelta(days=31 * (MONTHS - 1)))
    found = calendar(actor, first)
    months = found.months(today, MONTHS)
    while len(months) > 1 and not (months[0][1].orders or months[0][1].collected):
        months.pop(0)  # a young company's chart begins with its first month
    if request.GET.get("export") in ("xlsx", "csv") and actor.can("base.export"):
        return _sheet(request, months, request.GET["export"])
    rows = [_row(month, span) for month, span in months]
    context = {
        "title": _("Figures of the year"),
        "rows": rows,
        "any": bool(found.days),
        "currency": found.currency,
        "quality": link("order_quality"),
        "may_export": actor.can("base.export"),
    }
    return render(request, "portal/insight.html", context)


routes = [path("insight/", insight, name="insight")]
