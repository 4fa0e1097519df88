"""Pages of limits that a head office shares with those below it: the list, one with who uses what of it, setting and ending it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.audit import timeline
from qudao.base.html import figures
from qudao.base.html.meters import Meter
from qudao.base.html.pages import ActionPage, Button, DetailPage, Form, FormPage, Head, ListPage, Panel, import_buttons
from qudao.base.subject import Subject
from qudao.funds import actions, queries
from qudao.funds.forms import NewSharedForm, ReasonForm, SharedForm
from qudao.funds.models import Account, SharedLimit
from qudao.funds.rules import SharedDraft
from qudao.funds.tables import SharedTable, name_of, state_of
from qudao.kernel import clock
from qudao.kernel.money import ZERO


class SharedList(ListPage):
    """The limits that are shared."""

    verb = "funds.view"
    query = queries.shared_limits
    table = SharedTable
    title = gettext_lazy("Shared limits")
    above = "funds"

    def buttons(self) -> Sequence[Button]:
        new = Button(_("Share a limit"), reverse("shared_limit_new"), icon="plus", primary=True, verb="funds.set_limit", key="n")
        return [*import_buttons("funds.shared", self.actor), new]


def limit_panel(request: HttpRequest, shared: SharedLimit) -> Panel:
    """The limit against what all use of it, by bucket."""
    held: dict[str, Any] = {name: sum((getattr(one, name) for one in _members(shared)), ZERO) for name in ("invoiced", "shipped", "ordered", "unapplied")}
    today = bool(shared.temp_until and shared.temp_until >= clock.today())
    meter = Meter(
        limit=shared.limit_amount,
        temp_limit=shared.temp_limit if today else ZERO,
        temp_until=shared.temp_until,
        currency=shared.currency,
        bought=request.actor.org_id != shared.seller_id,  # type: ignore[attr-defined]
        **held,
    )
    return Panel(_("Shared credit"), "parts/panel_credit.html", {"meter": meter})


def _members(shared: Any) -> list[Any]:
    """Read once a page."""
    if not hasattr(shared, "shown_members"):
        shared.shown_members = queries.unscoped_members(shared)
    return shared.shown_members


def members_panel(request: HttpRequest, shared: SharedLimit) -> Panel:
    """Who shares it and what each uses now, of the limit."""
    seen = set(queries.accounts(request.actor).filter(shared=shared).values_list("pk", flat=True))  # type: ignore[attr-defined]
    items = []
    for one in _members(shared):
        url = reverse("fund", args=[one.pk]) if one.pk in seen else ""
        share = figures.percent(one.exposure / shared.limit_now) if shared.limit_now > 0 else ""  # type: ignore[attr-defined]
        facts = [state_of(one), *([_("{share} of the limit").format(share=share)] if share else [])]
        items.append({"label": f"{one.buyer.code} {name_of(one.buyer)}", "url": url, "facts": facts, "end": figures.amount(one.exposure)})
    return Panel(_("Who uses how much of it"), "parts/panel_items.html", {"items": items, "empty": _("Nobody shares it.")})


def timeline_panel(request: HttpRequest, shared: SharedLimit) -> Panel | None:
    """Who set it when, and why: the seller's own matter."""
    if request.actor.org_id != shared.seller_id:  # type: ignore[attr-defined]
        return None
    entries = [
        {"who": line.actor_name or _("System"), "at": line.at, "what": _moved(line.before, line.after, shared.currency), "reason": line.reason}
        for line in timeline(Subject("funds.sharedlimit", shared.pk, shared.seller_id, shared.head_id, shared.head.code)).reverse()[:50]
    ]
    return Panel(_("What happened"), "parts/panel_timeline.html", {"entries": entries}, aside=True)


def _moved(before: str, after: str, currency: str) -> str:
    """From one limit to another, in words."""
    old, new = (figures.money(Decimal(one or 0), currency) for one in (before, after))
    return _("set the limit to {new}").format(new=new) if before == after or not Decimal(before or 0) else f"{old} → {new}"


class SharedDetail(DetailPage):
    """One shared limit."""

    verb = "funds.view"
    query = queries.shared_limits
    kind = "funds.sharedlimit"
    panels = (limit_panel, members_panel, timeline_panel)
    above = "shared_limits"

    def head(self, obj: SharedLimit) -> Head:
        return Head(obj.head.code, None, name_of(obj.head), facts=[obj.currency, name_of(obj.seller)])

    def buttons(self, obj: SharedLimit) -> Sequence[Button]:
        if self.actor.org_id != obj.seller_id:
            return []
        return [
            Button(_("Set limit"), reverse("shared_limit_terms", args=[obj.pk]), icon="pencil", primary=True, verb="funds.set_limit", key="e"),
            Button(_("End the sharing"), reverse("shared_limit_end", args=[obj.pk]), icon="ban", verb="funds.set_limit", ask=True, danger=True),
        ]


class SharedNew(FormPage):
    """A head office and all below it with credit in the currency get one limit."""

    verb = "funds.set_limit"
    form = NewSharedForm
    title = submit = gettext_lazy("Share a limit")
    said = gettext_lazy("The limit is shared.")
    above = "shared_limits"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        head, currency = cleaned["head"], cleaned["currency"].strip().upper()
        buyers = [one.buyer_id for one in queries.may_share(self.actor, head.path, currency) if one.shared is None or one.shared.head_id == head.id]
        draft = SharedDraft(self.actor.org_id, head.id, currency, buyers, cleaned["limit"], cleaned["temp_limit"] or ZERO, cleaned["temp_until"])
        return actions.share_limit(draft, cleaned["reason"], actor=self.actor, client_id=client_id)

    def done(self, result: SharedLimit) -> str:
        return reverse("shared_limit", args=[result.pk])


class _Verb(ActionPage):
    """A verb of finance on a shared limit, with its reason."""

    verb = "funds.set_limit"
    query = queries.shared_limits
    form: type[Form] = ReasonForm
    above = "shared_limit"


class SharedTerms(_Verb):
    """The limit, and who shares it."""

    form = SharedForm
    title = submit = gettext_lazy("Set limit")
    said = gettext_lazy("The limit is set.")

    def page(self, obj: SharedLimit, form: Any, *args: Any, **kwargs: Any) -> Any:
        self._offer(obj, form)
        return super().page(obj, form, *args, **kwargs)

    def _offer(self, obj: SharedLimit, form: Any) -> list[Account]:
        may = [one for one in queries.may_share(self.actor, obj.head.path, obj.currency) if one.shared_id in (None, obj.pk)]
        form.offer(may)
        return may

    def initial(self, obj: SharedLimit) -> dict[str, Any]:
        sharing = [one.buyer_id for one in queries.unscoped_members(obj)]
        return {"limit": obj.limit_amount, "temp_limit": obj.temp_limit or None, "temp_until": obj.temp_until, "buyers": sharing}

    def says(self, obj: SharedLimit) -> Any:
        return _("What all of them use counts against this limit; the limit of each counts again when it is left out.")

    def perform(self, obj: SharedLimit, cleaned: dict[str, Any], client_id: UUID) -> Any:
        limits = (cleaned["limit"], cleaned["temp_limit"] or ZERO, cleaned["temp_until"])
        draft = SharedDraft(obj.seller_id, obj.head_id, obj.currency, cleaned["buyers"], *limits)
        return actions.share_limit(draft, cleaned["reason"], actor=self.actor, client_id=client_id)


class SharedEnd(_Verb):
    """Everybody has its own limit again."""

    title = submit = gettext_lazy("End the sharing")
    said = gettext_lazy("Everybody has its own limit again.")
    danger = True

    def says(self, obj: SharedLimit) -> Any:
        return _("Each has its own limit again, which may be smaller than what it uses; what is confirmed goes on.")

    def perform(self, obj: SharedLimit, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.end_shared(obj.pk, cleaned["reason"], actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        return reverse("shared_limits")


routes = [
    path("shared-limits/", SharedList.as_view(), name="shared_limits"),
    path("shared-limits/new", SharedNew.as_view(), name="shared_limit_new"),
    path("shared-limits/<int:pk>/", SharedDetail.as_view(), name="shared_limit"),
    path("shared-limits/<int:pk>/terms", SharedTerms.as_view(), name="shared_limit_terms"),
    path("shared-limits/<int:pk>/end", SharedEnd.as_view(), name="shared_limit_end"),
]
