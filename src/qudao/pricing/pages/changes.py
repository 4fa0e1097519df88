"""Pages of price changes: the list, one with its prices and effect, and a page per verb."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy

from qudao.base import sheets
from qudao.base.access import all_verbs
from qudao.base.audit import timeline
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, FormPage, Head, ListPage, Panel
from qudao.base.html.tables import join
from qudao.catalog import queries as products
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.pricing import actions, queries, rules
from qudao.pricing.actions import ChangeDraft
from qudao.pricing.forms import BlockForm, ChangeForm, PercentForm, ReasonForm
from qudao.pricing.models import PriceChange
from qudao.pricing.rules import NewPrice
from qudao.pricing.states import DONE, STANDING
from qudao.pricing.tables import CHANGE_TONES, ChangeTable, name_of

SHOWN = 200
#: who changes a draft; others of the same firm read it
KEEPS = "pricing.edit"


class ChangeList(ListPage):
    """Changes of prices, newest first."""

    verb = "pricing.view"
    query = queries.changes
    table = ChangeTable
    title = gettext_lazy("Price changes")
    above = "price_lists"


def effect_panel(request: HttpRequest, change: PriceChange) -> Panel:
    """What it does to the prices of its list."""
    lines = _lines(change)
    effect = rules.effect_of([(line.was, line.amount) for line in lines])
    facts = [(_("Prices"), figures.count(effect.number)), *actions.told_effect(effect)]
    return Panel(_("Effect on the list"), "parts/panel_facts.html", {"facts": facts}, aside=True)


def _lines(change: Any) -> list[Any]:
    """Read once a page."""
    if not hasattr(change, "shown_lines"):
        change.shown_lines = queries.unscoped_change_lines(change)
    return change.shown_lines


def lines_panel(request: HttpRequest, change: Any) -> Panel:
    """Its prices: before, after, by how much."""
    free = queries.standing_of(change) == "draft" and request.actor.can(KEEPS)  # type: ignore[attr-defined]
    items = []
    for line in _lines(change)[:SHOWN]:
        share = line.amount / line.was - 1 if line.was else None
        moved = [f"{figures.price(line.was)} → {figures.price(line.amount)}"] if line.was else [figures.price(line.amount), _("new")]
        facts = [_("from {qty}").format(qty=figures.qty(line.min_qty, line.product.unit))] if line.min_qty else []
        moved += [f"{'+' if share > 0 else ''}{figures.percent(share)}"] if share is not None else []
        button = Button(_("Remove"), reverse("price_change_removal", args=[change.pk, line.pk]), post=True)
        label = f"{line.product.code} {name_of(line.product)}"
        items.append({"label": label, "facts": facts, "end": join(*moved), "buttons": [button] if free else []})
    if len(_lines(change)) > SHOWN:
        items.append({"label": _("and {number} more").format(number=len(_lines(change)) - SHOWN)})
    return Panel(_("Prices"), "parts/panel_items.html", {"items": items, "empty": _("Put prices in: paste a block, or change all by some per cent.")})


def _said(line: Any) -> str:
    """What a line of the log says was done with a change; "" when it says it by its verb alone."""
    detail = line.detail
    if line.after:
        return str(DONE.get(line.after, ""))
    if "percent" in detail:
        percent = Decimal(detail["percent"])
        moved = f"{'+' if percent > 0 else ''}{figures.percent(percent / 100)}"
        return ngettext("put {n} price in: {percent}", "put {n} prices in: {percent}", detail["prices"]).format(n=detail["prices"], percent=moved)
    if "prices" in detail:
        return ngettext("put {n} price in", "put {n} prices in", detail["prices"]).format(n=detail["prices"])
    if "removed" in detail:
        return ngettext("took {n} price out", "took {n} prices out", detail["removed"]).format(n=detail["removed"])
    return _("changed title or days") if detail.keys() & {"title", "valid_from", "valid_to"} else ""


def timeline_panel(request: HttpRequest, change: PriceChange) -> Panel:
    """What happened to it."""
    verbs = all_verbs()
    entries = [
        {"who": line.actor_name or _("System"), "at": line.at, "what": _said(line) or verbs.get(line.verb, line.verb), "reason": line.reason}
        for line in timeline(actions.change_subject(change)).reverse()[:50]
    ]
    return Panel(_("What happened"), "parts/panel_timeline.html", {"entries": entries}, aside=True)


class ChangeDetail(DetailPage):
    """One change with its prices and what they do."""

    verb = "pricing.view"
    query = queries.changes
    kind = "pricing.change"
    panels = (lines_panel, effect_panel, timeline_panel)
    above = "price_changes"

    def head(self, obj: Any) -> Head:
        standing = queries.standing_of(obj)
        until = figures.day(obj.valid_to) if obj.valid_to else _("until the next price")
        return Head(obj.number, (STANDING[standing], CHANGE_TONES[standing]), obj.list.code, facts=[obj.title, figures.day(obj.valid_from), until])

    def buttons(self, obj: Any) -> Sequence[Button]:
        standing = queries.standing_of(obj)
        if standing == "scheduled":
            return [Button(_("Take back"), reverse("price_change_recall", args=[obj.pk]), icon="arrow-back-up", verb=KEEPS, danger=True, ask=True)]
        if standing == "effective":
            return [Button(_("Draft the opposite"), reverse("price_change_opposite", args=[obj.pk]), icon="arrow-back-up", verb=KEEPS, ask=True)]
        if standing != "draft":
            return []
        to = {name: reverse(f"price_change_{name}", args=[obj.pk]) for name in ("release", "prices", "percent", "edit", "drop")}
        return [
            Button(pgettext("prices", "Release"), to["release"], icon="check", primary=True, verb=KEEPS, ask=True),
            Button(_("Paste prices"), to["prices"], icon="clipboard-text", verb=KEEPS, key="n"),
            Button(_("By per cent"), to["percent"], icon="receipt-2", verb=KEEPS, ask=True),
            Button(_("Change"), to["edit"], icon="pencil", verb=KEEPS, ask=True, key="e"),
            Button(_("Drop"), to["drop"], icon="x", verb=KEEPS, danger=True, ask=True),
        ]


class ChangeNew(FormPage):
    """A new change of a list."""

    verb = "pricing.edit"
    form = ChangeForm
    title = submit = gettext_lazy("New price change")
    said = gettext_lazy("The draft is kept. Put prices in.")
    above = "price_list"

    def find(self, **kwargs: Any) -> Any:
        return queries.price_list(self.actor, kwargs["pk"], self.verb)

    def initial(self, obj: Any) -> dict[str, Any]:
        return {}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.draft_change(obj.pk, ChangeDraft(**cleaned), actor=self.actor, client_id=client_id)


class _OfChange(ActionPage):
    """Something done to a change."""

    verb = "pricing.edit"
    query = queries.changes
    above = "price_change"

    def done(self, result: Any) -> str:
        return self.back


class ChangeEdit(_OfChange):
    """What it is about, and when."""

    form = ChangeForm
    title = gettext_lazy("Change")
    said = gettext_lazy("The changes are saved.")

    def initial(self, obj: Any) -> dict[str, Any]:
        return {name: getattr(obj, name) for name in ChangeForm.base_fields}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.edit_change(obj.pk, ChangeDraft(**cleaned), actor=self.actor, client_id=client_id)


class ChangePrices(_OfChange):
    """Prices as a block or a file."""

    form = BlockForm
    title = gettext_lazy("Paste prices")
    said = gettext_lazy("The prices are in the draft.")
    keeps = True

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        file = cleaned["file"]
        rows = list(sheets.read(file.name, file.read())) if file else [line.split("\t" if "\t" in line else None) for line in cleaned["block"].splitlines()]
        return actions.put_prices(obj.pk, self._read(rows), actor=self.actor, client_id=client_id)

    def _read(self, rows: Sequence[Sequence[str]]) -> list[NewPrice]:
        """The rows as prices; heads and empty rows are left out. Every fault with its row. One statement."""
        found = [(no, [cell.strip() for cell in row]) for no, row in enumerate(rows, start=1) if any(cell.strip() for cell in row)]
        if found and len(found[0][1]) > 1 and _number(found[0][1][1]) is None:
            found = found[1:]
        known = dict(products.products(self.actor).filter(code__in={cells[0] for _no, cells in found}).order_by("-pk").values_list("code", "pk"))
        faults, prices = [], []
        for no, cells in found:
            amount, least = _number(cells[1]) if len(cells) > 1 else None, _number(cells[2]) if len(cells) > 2 and cells[2] else Decimal(0)
            if amount is None or least is None:
                faults.append(Fault("pricing.change_unreadable", "block", {"row": no}))
            elif cells[0] not in known:
                faults.append(Fault("pricing.change_line", "block", {"row": no, "text": _("there is no product {code}.").format(code=cells[0])}))
            elif amount <= 0:
                faults.append(Fault("pricing.change_line", "block", {"row": no, "text": _("a price must be greater than zero.")}))
            else:
                prices.append(NewPrice(known[cells[0]], amount, least))
        raise_if_any(faults or ([] if prices else [Fault("pricing.change_empty", "block")]), Invalid)
        return prices


def _number(text: str) -> Decimal | None:
    """A number as sheets write it; None when it is none."""
    try:
        found = Decimal(text.replace(",", "").replace("￥", "").replace("¥", "").strip())
    except ArithmeticError:
        return None
    return found if found.is_finite() else None


class ChangePercent(_OfChange):
    """All prices by some per cent."""

    form = PercentForm
    title = gettext_lazy("By per cent")
    said = gettext_lazy("The prices are in the draft.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.move_prices(obj.pk, **cleaned, actor=self.actor, client_id=client_id)


class ChangeRelease(_OfChange):
    """Let it take effect on its day."""

    title = submit = pgettext_lazy("prices", "Release")
    said = gettext_lazy("The prices take effect on their day.")

    def says(self, obj: Any) -> Any:
        return _("From {day} on orders are priced by it; orders that are placed keep their prices.").format(day=figures.day(obj.valid_from))

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.release_change(obj.pk, actor=self.actor, client_id=client_id)


class ChangeDrop(_OfChange):
    """Give it up."""

    title = submit = gettext_lazy("Drop")
    said = gettext_lazy("The draft is dropped.")
    danger = True

    def says(self, obj: Any) -> Any:
        return _("The draft can be read, but not released any more.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.drop_change(obj.pk, actor=self.actor, client_id=client_id)


class ChangeRecall(_OfChange):
    """Take it back before its day."""

    form = ReasonForm
    title = submit = gettext_lazy("Take back")
    said = gettext_lazy("The change is taken back; what stood before stands again.")
    danger = True

    def says(self, obj: Any) -> Any:
        return _("None of its prices has counted yet. All of them go, and what stood before stands again. Who drafted and signed it is told.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.recall_change(obj.pk, cleaned["reason"], actor=self.actor, client_id=client_id)


class ChangeOpposite(_OfChange):
    """Draft the prices of before."""

    title = submit = gettext_lazy("Draft the opposite")
    said = gettext_lazy("The draft has the prices of before, from today on. Look at it, then release it.")

    def says(self, obj: Any) -> Any:
        return _("Its day has come, so orders were priced by it. A new draft gets the prices of before; it counts when you release it.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.oppose_change(obj.pk, actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        return reverse("price_change", args=[result.pk])


class ChangeRemoval(_OfChange):
    """Take one price out."""

    title = submit = gettext_lazy("Remove")
    said = gettext_lazy("The price is taken out of the draft.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.remove_lines(obj.pk, [self.kwargs["no"]], actor=self.actor)


routes = [
    path("price-lists/<int:pk>/changes", ChangeNew.as_view(), name="price_change_new"),
    path("price-changes/", ChangeList.as_view(), name="price_changes"),
    path("price-changes/<int:pk>/", ChangeDetail.as_view(), name="price_change"),
    path("price-changes/<int:pk>/edit", ChangeEdit.as_view(), name="price_change_edit"),
    path("price-changes/<int:pk>/prices", ChangePrices.as_view(), name="price_change_prices"),
    path("price-changes/<int:pk>/percent", ChangePercent.as_view(), name="price_change_percent"),
    path("price-changes/<int:pk>/release", ChangeRelease.as_view(), name="price_change_release"),
    path("price-changes/<int:pk>/drop", ChangeDrop.as_view(), name="price_change_drop"),
    path("price-changes/<int:pk>/recall", ChangeRecall.as_view(), name="price_change_recall"),
    path("price-changes/<int:pk>/opposite", ChangeOpposite.as_view(), name="price_change_opposite"),
    path("price-changes/<int:pk>/removal/<int:no>", ChangeRemoval.as_view(), name="price_change_removal"),
]
