"""What is shown to which buyers: the rules, what follows from them for a buyer or a product, and the panels of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from qudao.agreements import actions, queries
from qudao.agreements.forms import RuleChangeForm, RuleForm
from qudao.agreements.models import Agreement, AssortmentRule
from qudao.agreements.rules import RuleDraft
from qudao.agreements.tables import SHOWN, OfferedTable, OfferTable, RuleTable, what_of, whom_of, why
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, FormPage, Head, ListPage, Panel, import_buttons
from qudao.base.html.tables import Table
from qudao.catalog import queries as products

VERB = "agreements.assort"


class RuleList(ListPage):
    """The rules of the own organisation."""

    verb = VERB
    query = queries.assortment_rules
    table = RuleTable
    title = gettext_lazy("Assortments")
    above = "agreements"

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("agreements.assortments", self.actor),
            Button(_("Who sees what"), reverse("assortment_buyers"), icon="users"),
            Button(_("New rule"), reverse("assortment_rule_new"), icon="plus", primary=True, verb=VERB, key="n"),
        ]


def rule_panel(request: HttpRequest, rule: AssortmentRule) -> Panel:
    """What the rule says."""
    facts = [
        (pgettext("assortment", "What"), what_of(rule)),
        (pgettext("assortment", "Whom"), whom_of(rule)),
        (pgettext("assortment", "Visible"), SHOWN[rule.shown]),
        (pgettext("validity", "From"), figures.day(rule.valid_from)),
        (pgettext("validity", "To"), figures.day(rule.valid_to) if rule.valid_to else _("until ended")),
    ]
    return Panel(pgettext("assortment", "Rule"), "parts/panel_facts.html", {"facts": facts})


class RuleDetail(DetailPage):
    """One rule with its history."""

    verb = VERB
    query = queries.assortment_rules
    kind = "agreements.assortmentrule"
    panels = (rule_panel,)
    above = "assortment_rules"

    def head(self, obj: AssortmentRule) -> Head:
        return Head(what_of(obj), None, whom_of(obj))

    def buttons(self, obj: AssortmentRule) -> Sequence[Button]:
        return [
            Button(_("Change"), reverse("assortment_rule_change", args=[obj.pk]), icon="pencil", verb=VERB, ask=True, primary=True, key="e"),
            Button(_("End the rule"), reverse("assortment_rule_end", args=[obj.pk]), icon="calendar", verb=VERB, ask=True, danger=True),
        ]


class RuleNew(FormPage):
    """Another rule; for the same whom, what and first day it replaces the rule that is there."""

    verb = VERB
    form = RuleForm
    title = gettext_lazy("What is shown to whom")
    submit = gettext_lazy("Save")
    said = gettext_lazy("The rule is saved; what buyers see follows within seconds.")
    above = "assortment_rules"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        facts = {name: cleaned.pop(name) for name in ("shown", "valid_from", "valid_to")}
        return actions.set_rule(RuleDraft(**facts, **queries.rule_typed(cleaned, self.actor)), actor=self.actor, client_id=client_id)


class RuleChange(FormPage):
    """Turn a rule round, or give it another last day."""

    verb = VERB
    form = RuleChangeForm
    title = gettext_lazy("Change the rule")
    said = gettext_lazy("The rule is saved; what buyers see follows within seconds.")
    above = "assortment_rule"

    def find(self, **kwargs: Any) -> AssortmentRule:
        return queries.assortment_rule(self.actor, kwargs["pk"], self.verb)

    def initial(self, obj: AssortmentRule) -> dict[str, Any]:
        return {"shown": "1" if obj.shown else "0", "valid_to": obj.valid_to}

    def perform(self, obj: AssortmentRule, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.change_rule(obj.pk, cleaned["shown"], cleaned["valid_to"], actor=self.actor, client_id=client_id)


class RuleEnd(ActionPage):
    """It counts no more."""

    verb = VERB
    query = queries.assortment_rules
    action = actions.end_rule
    title = submit = gettext_lazy("End the rule")
    said = gettext_lazy("The rule counts no more; what buyers see follows within seconds.")
    danger = True
    above = "assortment_rules"

    def says(self, obj: AssortmentRule) -> Any:
        return f"{what_of(obj)} → {whom_of(obj)}"

    def done(self, result: Any) -> str:
        return reverse("assortment_rules")


class BuyerList(ListPage):
    """The own buyers with how much is not shown to each; with a product whether it is, and why."""

    verb = VERB
    query = queries.offers
    table = OfferTable
    title = gettext_lazy("Who sees what")
    product_id: int | None = None
    above = "assortment_rules"

    def base_rows(self, table: Table, params: QueryDict) -> QuerySet:
        code = params.get("product", "").strip()
        if code and self.product_id is None:
            self.product_id = products.carried(self.actor).filter(code__iexact=code).values_list("pk", flat=True).first() or 0
        return table.narrowed(queries.offers(self.actor, self.product_id), params)

    def prepare(self, rows: list[Any]) -> list[Any]:
        pk = self.product_id
        found = queries.reasons(self.actor, [row.pk for row in rows], [pk]) if pk else {}
        hidden = set(queries.offers(self.actor, pk).filter(pk__in=[row.pk for row in rows], hidden=True).values_list("pk", flat=True)) if pk else set()
        for row in rows:
            row.hidden = row.pk in hidden
            row.verdict = SHOWN[not row.hidden] if pk else ""
            row.why = why(row.hidden, found.get((row.pk, pk))) if pk else ""
        return rows


class ProductsOfBuyer(ListPage):
    """What one buyer sees of what the own organisation sells, and why."""

    verb = VERB
    query = products.carried
    table = OfferedTable
    title = gettext_lazy("What a buyer sees")
    agreement_id: int | None = None
    above = "assortment_buyers"

    def base_rows(self, table: Table, params: QueryDict) -> QuerySet:
        if self.agreement_id is None:
            found = queries.offers(self.actor).filter(seller_id=self.actor.org_id, buyer__code__iexact=params.get("buyer", "").strip())
            self.agreement_id = found.values_list("pk", flat=True).first() or 0
        rows = super().base_rows(table, params).annotate(hidden=queries.unscoped_hidden_under(self.agreement_id))
        return rows if self.agreement_id else rows.none()

    def prepare(self, rows: list[Any]) -> list[Any]:
        pk, ids = self.agreement_id or 0, [row.pk for row in rows]
        found = queries.reasons(self.actor, [pk], ids) if rows else {}
        hidden = set(products.carried(self.actor).filter(queries.unscoped_hidden_under(pk), pk__in=ids).values_list("pk", flat=True)) if rows else set()
        for row in rows:
            row.hidden = row.pk in hidden
            row.why = why(row.hidden, found.get((pk, row.pk)))
        return rows


def product_panel(request: HttpRequest, product: Any) -> Panel | None:
    """On a product: from how many of the own buyers it is hidden; nothing while it is shown to all."""
    actor = request.actor  # type: ignore[attr-defined]
    hidden = queries.offers(actor, product.pk).filter(hidden=True).count() if actor.can(VERB) else 0
    if not hidden:
        return None
    words = ngettext("It is not shown to {n} buyer.", "It is not shown to {n} buyers.", hidden).format(n=hidden)
    items = [{"label": words, "url": f"{reverse('assortment_buyers')}?product={product.code}&tab=hidden"}]
    return Panel(_("Assortments"), "parts/panel_items.html", {"items": items, "empty": ""}, aside=True)


def agreement_panel(request: HttpRequest, agreement: Agreement) -> Panel | None:
    """On an agreement, for its seller: how many products are not shown; nothing while all are."""
    actor = request.actor  # type: ignore[attr-defined]
    found: Any = queries.offers(actor).filter(pk=agreement.pk).first() if actor.can(VERB) else None
    if found is None or not found.hides:
        return None
    words = ngettext("{n} product is not shown to this buyer.", "{n} products are not shown to this buyer.", found.hides).format(n=found.hides)
    items = [{"label": words, "url": f"{reverse('assortment_products')}?buyer={agreement.buyer.code}&tab=hidden"}]
    return Panel(_("Assortments"), "parts/panel_items.html", {"items": items, "empty": ""}, aside=True)


routes = [
    path("assortment-rules/", RuleList.as_view(), name="assortment_rules"),
    path("assortment-rules/new", RuleNew.as_view(), name="assortment_rule_new"),
    path("assortment-rules/<int:pk>/", RuleDetail.as_view(), name="assortment_rule"),
    path("assortment-rules/<int:pk>/change", RuleChange.as_view(), name="assortment_rule_change"),
    path("assortment-rules/<int:pk>/end", RuleEnd.as_view(), name="assortment_rule_end"),
    path("assortments/buyers/", BuyerList.as_view(), name="assortment_buyers"),
    path("assortments/products/", ProductsOfBuyer.as_view(), name="assortment_products"),
]
