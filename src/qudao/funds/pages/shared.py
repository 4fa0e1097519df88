"""Pages of limits that a head office shares with those below it: the list, one with who uses what of it, setting and ending it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, Form, FormPage, Head, ListPage, Panel, import_buttons
from qudao.funds import actions, queries
from qudao.funds.forms import NewSharedForm, ReasonForm, SharedForm
from qudao.funds.models import Account, SharedLimit
from qudao.funds.rules import SharedDraft
from qudao.funds.tables import SharedTable, name_of, state_of
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
    """The limit, what all use of it, what is free."""
    told: list[tuple[Any, Any]] = [(_("Limit"), figures.money(shared.limit_amount, shared.currency))]
    if shared.temp_limit and shared.temp_until:
        until = _("{amount} until {day}").format(amount=figures.money(shared.temp_limit, shared.currency), day=figures.day(shared.temp_until))
        told.append((_("Temporary limit"), until))
    told += [(_("In use"), figures.money(shared.used, shared.currency)), (_("Available"), figures.money(shared.available, shared.currency))]  # type: ignore[attr-defined]
    return Panel(_("Shared credit"), "parts/panel_facts.html", {"facts": told}, aside=True)


def members_panel(request: HttpRequest, shared: SharedLimit) -> Panel:
    """Who shares it and what each uses now."""
    seen = set(queries.accounts(request.actor).filter(shared=shared).values_list("pk", flat=True))  # type: ignore[attr-defined]
    items = []
    for one in queries.unscoped_members(shared):
        url = reverse("fund", args=[one.pk]) if one.pk in seen else ""
        items.append({"label": f"{one.buyer.code} {name_of(one.buyer)}", "url": url, "facts": [state_of(one)], "end": figures.amount(one.exposure)})  # type: ignore[attr-defined]
    return Panel(_("Who uses how much of it"), "parts/panel_items.html", {"items": items, "empty": _("Nobody shares it.")})


class SharedDetail(DetailPage):
    """One shared limit."""

    verb = "funds.view"
    query = queries.shared_limits
    kind = "funds.sharedlimit"
    panels = (members_panel, limit_panel)
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
