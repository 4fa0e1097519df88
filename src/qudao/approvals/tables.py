"""The list of approval rules."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from qudao.approvals.models import Rule
from qudao.approvals.states import KINDS
from qudao.base.html.tables import Column, Filter, Table, by_language


def role_name(row: Any) -> str:
    """The role's name in the reader's language."""
    return by_language(row.role.name, row.role.name_en)


def retire(row: Rule) -> Any:
    """The way to take the rule out of use."""
    return format_html('<a href="{}" data-ask>{}</a>', reverse("approval_rule_retirement", args=[row.pk]), _("Retire"))


class RuleTable(Table):
    """The rules in use, in the order of signing."""

    columns = (
        Column("", _("Document"), cell=lambda row: KINDS.get(row.kind, row.kind), sort="kind"),
        Column("min_amount", _("From amount"), cell="amount", sort="min_amount"),
        Column("position", _("Position"), cell="number", num=True, sort="position"),
        Column("", _("Role"), cell=role_name),
        Column("", "", cell=retire, num=True, hide_on_phone=True),
    )
    filters = (Filter("kind", _("Document"), choices=tuple(KINDS.items())),)
    order = ("kind", "min_amount", "position", "pk")
    empty = _("Nothing needs an approval: every document is confirmed at once when credit and stock allow.")
    remedy = _("Add a rule to let somebody sign from an amount on.")

    def url(self, row: Rule) -> str:
        return reverse("approval_rule_change", args=[row.pk])
