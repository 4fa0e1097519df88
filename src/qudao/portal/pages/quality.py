"""How clean orders come in, week by week or month by month: what went straight through, what people of the seller had to do, what was refused and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from qudao.analytics.queries import TOUCHES, Quality, quality, spans
from qudao.base import sheets
from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import ListPage, door
from qudao.base.html.pages.log import channels
from qudao.base.html.tables import Column, Filter, Table, by_language
from qudao.kernel import clock
from qudao.orders.queries.refused import refusals, refused_by_reason
from qudao.orders.states import REASONS
from qudao.portal.pages.counted import TOUCH_WORDS
from qudao.portal.pages.kpis import STRAIGHT
from qudao.portal.pages.ways import link

BY = {"month": _("By month"), "week": _("By week")}
#: who mostly sells
OWNERS = ("hq", "region")


def side_of(request: HttpRequest) -> str:
    """The side of the address, else what this kind of organisation mostly does."""
    given, kind = request.GET.get("side", ""), request.actor.org_kind  # type: ignore[attr-defined]
    return given if given in ("sell", "buy") else "sell" if kind in OWNERS else "buy"


@dataclass(frozen=True)
class View:
    """What is looked at: which side, the spans, and the one of them that is looked into (None: all together)."""

    side: str
    by: str
    spans: Sequence[tuple[date, date]]
    at: tuple[date, date] | None

    @property
    def within(self) -> tuple[date, date]:
        return self.at or (self.spans[0][0], self.spans[-1][1])

    def label(self, span: tuple[date, date]) -> str:
        """A span in words."""
        return figures.month(span[0]) if self.by == "month" else f"{figures.day(span[0])} – {figures.day(span[1])}"

    def orders(self, span: tuple[date, date], more: str = "") -> str:
        return link("counted_orders", f"side={self.side}&from={span[0]:%Y-%m-%d}&to={span[1]:%Y-%m-%d}{more}")

    def refused(self, span: tuple[date, date], more: str = "") -> str:
        return link("refused_orders", f"side={self.side}&from={span[0]:%Y-%m-%d}&to={span[1]:%Y-%m-%d}{more}")

    def address(self, **changed: str) -> str:
        """This page with something else chosen; "" takes a choice away."""
        chosen = {"side": self.side, "by": self.by, "at": f"{self.at[0]:%Y-%m-%d}" if self.at else ""} | changed
        return "?" + "&".join(f"{name}={value}" for name, value in chosen.items() if value)


def view_of(request: HttpRequest) -> View:
    """What the address asks for; what cannot be read there is the default."""
    by = "week" if request.GET.get("by") == "week" else "month"
    found = spans(by, clock.today())
    at = next((span for span in found if f"{span[0]:%Y-%m-%d}" == request.GET.get("at")), None)
    return View(side_of(request), by, found, at)


def _cells(one: Quality) -> dict[str, Any]:
    """The figures of a row as shown."""
    span = one.span
    middle = "" if span.middle is None else "3+" if span.middle == 3 else str(span.middle)
    return {
        "n": span.orders, "straight": span.straight, "share": span.straight_share, "good": span.straight_share is None or span.straight_share >= STRAIGHT,
        "hands": figures.amount(Decimal(span.hands) / span.orders, 1) if span.orders else "", "middle": middle,
        "refused": one.refused, "errors": one.errors, "wrong": one.wrong, "lines": one.lines,
    }  # fmt: skip


def _touches(view: View, whole: Quality) -> list[dict[str, Any]]:
    """What people did, with its share of all touches."""
    numbers = {name: getattr(whole.span, name) for name in TOUCHES}
    all_of = sum(numbers.values())
    return [
        {"label": TOUCH_WORDS[name], "n": n, "share": Decimal(n) / all_of, "url": view.orders(view.within, f"&figure={name}")}
        for name, n in numbers.items()
        if n
    ]


def _reasons(view: View, actor: Actor, whole: Quality) -> list[dict[str, Any]]:
    """Why submissions were refused, the most frequent reason first."""
    if not whole.refused:
        return []
    found = refused_by_reason(actor, view.side, *view.within).most_common()
    return [{"label": REASONS[key][0], "n": n, "share": Decimal(n) / whole.refused, "url": view.refused(view.within, f"&reason={key}")} for key, n in found]


def _sheet(request: HttpRequest, rows: Sequence[tuple[str, Quality]], kind: str) -> HttpResponse:
    heads = [_now("When"), _now("Orders"), _now("Straight through"), *(str(words) for words in TOUCH_WORDS.values()), _now("Submissions refused")]
    heads += [_now("Lines at fault"), _now("Entry error rate")]
    cells = [[label, q.span.orders, q.span.straight, *(getattr(q.span, name) for name in TOUCH_WORDS), q.refused, q.wrong, q.errors] for label, q in rows]
    actor = request.actor  # type: ignore[attr-defined]
    mark = sheets.mark_for(actor)
    sheets.log_export(_now("Order quality"), len(cells), mark, actor=actor)
    write, mime = (sheets.write_xlsx, sheets.XLSX) if kind == "xlsx" else (sheets.write_csv, sheets.CSV)
    return HttpResponse(write(heads, cells, mark), content_type=mime, headers={"Content-Disposition": f'attachment; filename="{mark.named("quality")}.{kind}"'})


def _summed(found: Mapping[tuple[date, str], Quality], span: tuple[date, date], channel: str = "") -> Quality:
    """The figures of a span, of one channel or of all."""
    whole = Quality()
    for (day, through), one in found.items():
        if span[0] <= day <= span[1] and channel in ("", through):
            whole.add(one)
    return whole


@door("orders.view")
def order_quality(request: HttpRequest) -> HttpResponse:
    """The figures of the own organisation. Three statements."""
    actor, view = request.actor, view_of(request)  # type: ignore[attr-defined]
    found = quality(actor, view.side, view.spans[0][0])
    by_span = [(span, _summed(found, span)) for span in view.spans]
    if request.GET.get("export") in ("xlsx", "csv") and actor.can("base.export"):
        return _sheet(request, [(view.label(span), one) for span, one in by_span], request.GET["export"])
    whole = _summed(found, view.within)
    by_channel = [(key, word, _summed(found, view.within, key)) for key, word in channels()]
    context = {
        "title": _("Order quality"),
        "any": bool(found),
        "may_export": actor.can("base.export"),
        "export": view.address(export="xlsx"),
        "tabs": [{"label": words, "url": view.address(by=by, at=""), "on": by == view.by} for by, words in BY.items()],
        "sides": [] if actor.org_kind in ("outlet", "customer") else [
            {"label": words, "url": view.address(side=key), "on": key == view.side} for key, words in (("sell", _("What we sell")), ("buy", _("What we buy")))
        ],
        "rows": [
            {"label": view.label(span), "url": view.address(at=f"{span[0]:%Y-%m-%d}"), "on": span == view.at, **_cells(one), "orders": view.orders(span),
             "straight_url": view.orders(span, "&figure=straight"), "refused_url": view.refused(span)}
            for span, one in reversed(by_span) if one.span.orders or one.refused
        ],
        "channels": [
            {"label": word, **_cells(one), "orders": view.orders(view.within, f"&channel={key}"), "refused_url": view.refused(view.within, f"&channel={key}"),
             "straight_url": view.orders(view.within, f"&channel={key}&figure=straight")}
            for key, word, one in by_channel if one.span.orders or one.refused
        ],
        "whole": _cells(whole),
        "within": view.label(view.at) if view.at else " – ".join(figures.month(one) if view.by == "month" else figures.day(one) for one in view.within),
        "all_url": view.address(at="") if view.at else "",
        "target": STRAIGHT,
        "straight_url": view.orders(view.within, "&figure=straight"),
        "touched_url": view.orders(view.within, "&figure=handled"),
        "refused_url": view.refused(view.within),
        "touches": _touches(view, whole),
        "reasons": _reasons(view, actor, whole),
    }  # fmt: skip
    return render(request, "portal/quality.html", context)


def _why(row: Any) -> str:
    """The reasons of a refusal in words."""
    return "; ".join(str(REASONS[key][0]) for key in row.reasons)


def _party(name: str) -> Column:
    label = _("Buyer") if name == "buyer" else _("Seller")
    return Column("", label, cell=lambda row: by_language(getattr(row, name).name, getattr(row, name).name_en), width="clip", slug=name, by=(f"{name}_id",))


class RefusedTable(Table):
    """Submissions that were refused, of which no order was made."""

    columns: Sequence[Column] = (
        _party("buyer"),
        Column("at", _("When"), cell="moment", sort="at"),
        Column("", _("Why"), cell=_why, width="clip", slug="why"),
        Column("by_name", _("Who"), hide_on_phone=True),
        Column(
            "", _("Through"), cell=lambda row: dict(channels()).get(row.channel, row.channel), dim=True, hide_on_phone=True, slug="channel", by=("channel",)
        ),
        Column("wrong", _("Lines at fault"), cell="number", hide_on_phone=True, total=True, sum="wrong"),
        Column("lines", _("Lines"), cell="number", hide_on_phone=True, total=True, sum="lines"),
        Column("tries", _("Tries"), cell="number", sort="tries"),
    )
    filters = (
        Filter("reason", _("Why"), choices=[(key, words) for key, (words, _codes) in REASONS.items()], q=lambda raw: Q(reasons__contains=[raw])),
        Filter("channel", _("Through"), choices=lambda actor: channels()),
        Filter("from", _("From"), lookup="day__gte", kind="day"),
        Filter("to", _("To"), lookup="day__lte", kind="day"),
    )
    empty = _("Nothing was refused.")


class _BoughtTable(RefusedTable):
    columns: Sequence[Column] = tuple(_party("seller") if one.slug == "buyer" else one for one in RefusedTable.columns)


def _sold(actor: Actor) -> Any:
    return refusals(actor, "sell")


def _bought(actor: Actor) -> Any:
    return refusals(actor, "buy")


class RefusedSales(ListPage):
    """What was refused of what the own organisation sells."""

    verb = "orders.view"
    query = _sold
    table: type[Table] = RefusedTable
    title = _("Refused submissions")
    above = "order_quality"


class RefusedPurchases(RefusedSales):
    """What was refused of what the own organisation buys."""

    query = _bought
    table = _BoughtTable


def refused(request: HttpRequest) -> HttpResponseBase:
    """The side of the address, else what this kind of organisation mostly does."""
    buys = getattr(request, "actor", None) is not None and side_of(request) == "buy"
    return (RefusedPurchases if buys else RefusedSales).as_view()(request)


routes = [path("insight/quality/", order_quality, name="order_quality"), path("insight/quality/refused/", refused, name="refused_orders")]
