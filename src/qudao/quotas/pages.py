"""Pages of quotas: the list, a quota with who has what, and a page per verb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, FormPage, Head, ListPage, NoFields, Panel, import_buttons
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.quotas import actions, queries
from qudao.quotas.forms import QuotaForm, QuotaTerms, SharesForm
from qudao.quotas.models import Quota
from qudao.quotas.rules import Holder, QuotaDraft
from qudao.quotas.states import Unused
from qudao.quotas.tables import QuotaTable, ShareTable, name_of


class QuotaList(ListPage):
    """The quotas of the own organisation."""

    verb = "quotas.view"
    query = queries.quotas
    table = QuotaTable
    title = gettext_lazy("Quotas of scarce goods")

    def buttons(self) -> Sequence[Button]:
        return [
            Button(_("All shares"), reverse("quota_share_list"), icon="users"),
            *import_buttons("quotas.quotas", self.actor),
            *(replace(one, label=_("Import shares")) for one in import_buttons("quotas.shares", self.actor)),
            Button(_("Declare scarce"), reverse("quota_new"), icon="plus", primary=True, verb="quotas.set", key="n"),
        ]


class ShareList(ListPage):
    """Who has what of all that is scarce."""

    verb = "quotas.view"
    query = queries.shares
    table = ShareTable
    title = gettext_lazy("Shares of scarce goods")
    above = "quotas"

    def buttons(self) -> Sequence[Button]:
        return import_buttons("quotas.shares", self.actor)


def shares_panel(request: HttpRequest, quota: Quota) -> Panel:
    """Who has what, used and left."""
    shares: list[Any] = queries.unscoped_shares(quota.pk)
    for one in shares:
        who = one.group or one.buyer
        one.shown_name, one.shown_code, one.whole = name_of(who), who.code, one.qty + one.carried
        one.rest = one.whole - one.taken
    context = {"shares": shares, "quota": quota, "shared": sum(one.qty for one in shares), "left": quota.total + quota.carried - quota.taken}
    return Panel(_("Shares"), "quotas/shares.html", context, note=figures.unit(quota.product.unit))


def facts_panel(request: HttpRequest, quota: Quota) -> Panel:
    """What was declared."""
    unit = quota.product.unit
    released = f"{Unused(quota.unused).label} {figures.day(quota.release_on)}" if quota.release_on else Unused(quota.unused).label
    facts = [
        (_("Product"), f"{name_of(quota.product)} {quota.product.code}"),
        (pgettext("quota", "From"), figures.day_long(quota.valid_from)),
        (pgettext("quota", "To"), figures.day_long(quota.valid_to)),
        (_("Quantity"), figures.qty(quota.total, unit)),
        (_("Carried over"), figures.qty(quota.carried, unit) if quota.carried else ""),
        (_("What is unused"), released),
    ]
    return Panel(_("Quota"), "parts/panel_facts.html", {"facts": facts}, aside=True)


class QuotaDetail(DetailPage):
    """One quota."""

    verb = "quotas.view"
    query = queries.quotas
    kind = "quotas.quota"
    panels = (shares_panel, facts_panel)
    above = "quotas"

    def head(self, obj: Quota) -> Head:
        span = f"{figures.day(obj.valid_from)} – {figures.day(obj.valid_to)}"
        return Head(obj.product.code, None, name_of(obj.product), facts=[span, figures.qty(obj.total, obj.product.unit)])

    def buttons(self, obj: Quota) -> Sequence[Button]:
        to = {name: reverse(f"quota_{name}", args=[obj.pk]) for name in ("shares", "purchases", "change", "removal")}
        found = [
            Button(_("Set shares"), to["shares"], icon="pencil", primary=True, verb="quotas.set", ask=True, key="e"),
            Button(_("Share by purchases"), to["purchases"], icon="users", verb="quotas.set", ask=True),
            Button(_("Change"), to["change"], icon="calendar", verb="quotas.set", ask=True),
        ]
        if not obj.taken:
            found.append(Button(_("Take the quota away"), to["removal"], icon="trash", verb="quotas.set", danger=True, ask=True))
        return found


class QuotaNew(FormPage):
    """A product that is scarce for some days."""

    verb = "quotas.set"
    form = QuotaForm
    title = submit = gettext_lazy("Declare scarce")
    said = gettext_lazy("The product is declared scarce.")
    above = "quotas"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.declare_quota(self.actor.org_id, QuotaDraft(cleaned.pop("product"), **cleaned), actor=self.actor, client_id=client_id)


class _OfQuota(FormPage):
    """Something done to a quota."""

    verb = "quotas.set"
    above = "quota"

    def find(self, **kwargs: Any) -> Quota:
        return queries.quota(self.actor, kwargs["pk"], self.verb)


class QuotaChange(_OfQuota):
    """Another quantity, last day, or fate of what is unused."""

    form = QuotaTerms
    title = gettext_lazy("Change the quota")
    said = gettext_lazy("The changes are saved.")

    def initial(self, obj: Quota) -> dict[str, Any]:
        return {**super().initial(obj), "total": f"{obj.total.normalize():f}"}

    def perform(self, obj: Quota, cleaned: dict[str, Any], client_id: UUID) -> Any:
        draft = QuotaDraft(obj.product_id, obj.valid_from, **cleaned)
        return actions.change_quota(obj.pk, draft, actor=self.actor, client_id=client_id)


class Shares(_OfQuota):
    """How much each holder has."""

    title = gettext_lazy("Set shares")
    said = gettext_lazy("The shares are set.")

    def find(self, **kwargs: Any) -> Quota:
        quota = super().find(**kwargs)
        self.shares = queries.unscoped_shares(quota.pk)
        self.form = partial(SharesForm, shares=self.shares, unit=quota.product.unit)  # type: ignore[assignment]
        return quota

    def initial(self, obj: Quota) -> dict[str, Any]:
        return {}

    def perform(self, obj: Quota, cleaned: dict[str, Any], client_id: UUID) -> Any:
        wanted = {Holder(one.group_id, one.buyer_id): cleaned[f"share_{one.pk}"] for one in self.shares}
        names = {Holder(one.group_id, one.buyer_id): (one.group or one.buyer).code for one in self.shares}  # type: ignore[union-attr]
        known = queries.holders(self.actor, set(cleaned["added"]))
        raise_if_any([Fault("quotas.buyer_unknown", "added", {"code": code}) for code in cleaned["added"] if code not in known], Invalid)
        wanted |= {known[code]: qty for code, qty in cleaned["added"].items()}
        names |= {known[code]: code for code in cleaned["added"]}
        return actions.set_shares(obj.pk, wanted, names=names, actor=self.actor, client_id=client_id)


class Removal(ActionPage):
    """Taken away, as long as nobody has ordered from it."""

    verb = "quotas.set"
    query = queries.quotas
    form = NoFields
    title = submit = gettext_lazy("Take the quota away")
    said = gettext_lazy("The quota is taken away.")
    danger = True

    def perform(self, obj: Quota, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.remove_quota(obj.pk, actor=self.actor)

    def done(self, result: Any) -> str:
        return reverse("quotas")

    def says(self, obj: Quota) -> Any:
        return _("Everybody may order the product again, as much as there is.")


routes = [
    path("quotas/", QuotaList.as_view(), name="quotas"),
    path("quota-shares/", ShareList.as_view(), name="quota_share_list"),
    path("quotas/new", QuotaNew.as_view(), name="quota_new"),
    path("quotas/<int:pk>/", QuotaDetail.as_view(), name="quota"),
    path("quotas/<int:pk>/change", QuotaChange.as_view(), name="quota_change"),
    path("quotas/<int:pk>/shares", Shares.as_view(), name="quota_shares"),
    path("quotas/<int:pk>/removal", Removal.as_view(), name="quota_removal"),
]
