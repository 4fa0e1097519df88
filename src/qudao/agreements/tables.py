"""The list of agreements."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.agreements import queries
from qudao.agreements.models import GroupMember
from qudao.agreements.states import AgreementState
from qudao.base.html.tables import Column, Filter, Tab, Table, by_language
from qudao.kernel import clock

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
        Column("channel", _("Channel"), dim=True, hide_on_phone=True, hidden=True, sort="channel"),
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
    filters = (
        Filter("buyer", _("Code of the buyer"), kind="text", lookup="buyer__code"),
        Filter("channel", _("Channel"), choices=lambda actor: [(one, one) for one in queries.channels(actor)]),
    )
    kind, parties = "agreements.agreement", True
    order = ("-valid_from", "code", "pk")
    empty = _("No agreement stands here.")
    remedy = _("Draft an agreement with who is to buy from you.")


def _today(actor: Any) -> Q:
    today = clock.today()
    return Q(valid_from__lte=today) & (Q(valid_to=None) | Q(valid_to__gte=today))


class GroupTable(Table):
    """Groups of buyers."""

    columns = (
        Column("code", _("Code"), cell="link", sort="code"),
        Column("", _("Name"), cell=name_of, sort="name", slug="name"),
        Column("", _("Owner"), cell=lambda row: name_of(row.owner), dim=True, hide_on_phone=True, slug="owner"),
    )
    search = ("code__icontains", "name__icontains", "name_en__icontains")
    order = ("owner_id", "code", "pk")
    empty = _("No group stands here.")
    remedy = _("Put buyers whom you treat alike into a group: it can have its own price list.")


class MemberTable(Table):
    """Who is in which group."""

    columns = (
        Column("buyer.code", _("Code"), cell="code", sort="buyer__code"),
        Column("", _("Buyer"), cell=lambda row: name_of(row.buyer), sort="buyer__name", slug="buyer"),
        Column("group.code", _("Group"), cell="code", dim=True, sort="group__code"),
        Column("valid_from", _("From"), cell="day", dim=True, hide_on_phone=True, sort="valid_from"),
        Column("valid_to", _("To"), cell="day", dim=True, hide_on_phone=True, sort="valid_to"),
    )
    tabs = (
        Tab("today", _("Today"), _today),
        Tab("planned", _("Planned"), lambda actor: Q(valid_from__gt=clock.today())),
        Tab("past", _("Past"), lambda actor: Q(valid_to__lt=clock.today())),
        Tab("all", _("All")),
    )
    filters = (Filter("group", _("Group"), lookup="group_id", choices=lambda actor: [(one.pk, f"{one.code} {name_of(one)}") for one in queries.groups(actor)]),)
    search = ("buyer__code__icontains", "buyer__name__icontains")
    order = ("group_id", "buyer__code", "pk")
    empty = _("Nobody stands here.")

    def url(self, row: GroupMember) -> str:
        return row.group.get_absolute_url()
