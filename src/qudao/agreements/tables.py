"""The list of agreements."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.agreements.states import AgreementState
from qudao.base.html.tables import Column, Filter, Tab, Table, by_language

TONES: dict[str, str] = {AgreementState.DRAFT: "idle", AgreementState.ACTIVE: "done", AgreementState.SUSPENDED: "wrong", AgreementState.ENDED: "idle"}


def name_of(org: Any) -> str:
    """An organisation's name in the reader's language."""
    return by_language(org.name, org.name_en)


class AgreementTable(Table):
    """Agreements of the reader's organisation and its branch, from both sides."""

    columns = (
        Column("code", _("Code"), cell="link", sort="code"),
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), sort="seller__code", slug="seller"),
        Column("", _("Buyer"), cell=lambda row: name_of(row.buyer), sort="buyer__code", slug="buyer"),
        Column("currency", _("Currency"), dim=True, hide_on_phone=True),
        Column("payment_days", _("Days of payment"), cell="number", num=True, dim=True, hide_on_phone=True, sort="payment_days"),
        Column("valid_from", _("From"), cell="day", dim=True, hide_on_phone=True, sort="valid_from"),
        Column("valid_to", _("To"), cell="day", dim=True, hide_on_phone=True, sort="valid_to"),
        Column("state", _("State"), cell="state", tones=TONES),
    )
    tabs = (
        Tab("active", _("Active"), Q(state=AgreementState.ACTIVE)),
        Tab("draft", _("Drafts"), Q(state=AgreementState.DRAFT)),
        Tab("suspended", _("Suspended"), Q(state=AgreementState.SUSPENDED), wrong=True),
        Tab("all", _("All")),
    )
    filters = (Filter("buyer", _("Code of the buyer"), kind="text", lookup="buyer__code"),)
    kind, parties = "agreements.agreement", True
    order = ("-valid_from", "code", "pk")
    empty = _("No agreement stands here.")
    remedy = _("Draft an agreement with who is to buy from you.")
