"""The list of agreements."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.agreements import queries
from qudao.agreements.actions import change_agreement, set_channel, set_min_order
from qudao.agreements.models import Agreement, AssortmentRule, GroupMember
from qudao.agreements.rules import AgreementDraft
from qudao.agreements.states import AgreementState
from qudao.base.html.edits import Field, day, described, number, text
from qudao.base.html.tables import Column, Edit, Filter, Tab, Table, by_language, join
from qudao.kernel import clock

TONES: dict[str, str] = {AgreementState.DRAFT: "idle", AgreementState.ACTIVE: "done", AgreementState.SUSPENDED: "wrong", AgreementState.ENDED: "idle"}


def name_of(org: Any) -> str:
    """An organisation's name in the reader's language."""
    return by_language(org.name, org.name_en)


_draft = described(AgreementDraft, change_agreement)


def _drafted(row: Agreement) -> bool:
    """Active terms stay as they are."""
    return bool(row.state == AgreementState.DRAFT)


def _living(row: Agreement) -> bool:
    return bool(row.state != AgreementState.ENDED)


_channel = Edit("agreements.draft", text(40, required=False), lambda row, value, actor: set_channel(row.pk, value, actor=actor), when=_living)
_least = Edit("agreements.draft", number(14, 2), lambda row, value, actor: set_min_order(row.pk, value, actor=actor), when=_living)


def _days(row: Agreement, actor: Any) -> forms.Field:
    return forms.IntegerField(min_value=0, max_value=365)


def _term(field: str, read: Field) -> Edit:
    return Edit("agreements.draft", read, _draft(field), when=_drafted)


class AgreementTable(Table):
    """Agreements of the reader's organisation and its branch, from both sides."""

    columns = (
        Column("code", _("Code"), cell="link", sort="code"),
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), sort="seller__code", slug="seller"),
        Column("", _("Buyer"), cell=lambda row: name_of(row.buyer), sort="buyer__code", slug="buyer"),
        Column("currency", _("Currency"), dim=True, hide_on_phone=True),
        Column("channel", _("Channel"), dim=True, hide_on_phone=True, hidden=True, sort="channel", edit=_channel),
        Column("min_order", _("Smallest order"), cell="amount", dim=True, hide_on_phone=True, hidden=True, edit=_least),
        Column(
            "payment_days", _("Days of payment"), cell="number", num=True, dim=True, hide_on_phone=True, sort="payment_days", edit=_term("payment_days", _days)
        ),
        Column("valid_from", pgettext_lazy("validity", "From"), cell="day", dim=True, hide_on_phone=True, sort="valid_from", edit=_term("valid_from", day())),
        Column(
            "valid_to", pgettext_lazy("validity", "To"), cell="day", dim=True, hide_on_phone=True, sort="valid_to", edit=_term("valid_to", day(required=False))
        ),
        Column("state", _("State"), cell="state", tones=TONES),
    )
    tabs = (
        Tab("active", _("Active"), Q(state=AgreementState.ACTIVE, transfers=False)),
        Tab("draft", _("Drafts"), Q(state=AgreementState.DRAFT)),
        Tab("suspended", _("Suspended"), Q(state=AgreementState.SUSPENDED, transfers=False), wrong=True),
        Tab("transfers", _("For transfers"), Q(transfers=True)),
        Tab("all", _("All"), Q(transfers=False)),
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
        Column("valid_from", pgettext_lazy("validity", "From"), cell="day", dim=True, hide_on_phone=True, sort="valid_from"),
        Column("valid_to", pgettext_lazy("validity", "To"), cell="day", dim=True, hide_on_phone=True, sort="valid_to"),
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


def whom_of(rule: AssortmentRule) -> str:
    """Whom a rule of an assortment is about, in words."""
    if rule.buyer is not None:
        return f"{rule.buyer.code} {name_of(rule.buyer)}"
    if rule.group is not None:
        return str(_("Group {name}")).format(name=f"{rule.group.code} {name_of(rule.group)}")
    region = name_of(rule.region) if rule.region is not None else ""
    area = str(_("area {code}")).format(code=rule.area_code) if rule.area_code else ""
    channel = str(_("channel {name}")).format(name=rule.channel) if rule.channel else ""
    tier = str(_("tier {number}")).format(number=rule.tier) if rule.tier is not None else ""
    return join(region, area, channel, tier) or str(_("Everybody"))


def what_of(rule: AssortmentRule) -> str:
    """What a rule of an assortment is about, in words."""
    for one, words in ((rule.product, "{name}"), (rule.category, _("Category {name}")), (rule.brand, _("Brand {name}"))):
        if one is not None:
            return str(words).format(name=f"{one.code} {name_of(one)}")
    return str(pgettext_lazy("assortment", "Everything"))


def why(hidden: bool, rule: AssortmentRule | None) -> str:
    """Why a product is shown or not: the rule that counts, or that the seller does not see it itself."""
    if hidden and (rule is None or rule.shown):
        return str(_("You do not see it yourself"))
    return f"{what_of(rule)} → {whom_of(rule)}" if rule else str(_("No rule is about it"))


SHOWN = {True: pgettext_lazy("assortment", "Shown"), False: pgettext_lazy("assortment", "Not shown")}


class RuleTable(Table):
    """Rules of assortments."""

    columns = (
        Column("", pgettext_lazy("assortment", "What"), cell=what_of, width="clip", slug="what"),
        Column("", pgettext_lazy("assortment", "Whom"), cell=whom_of, width="clip", slug="whom"),
        Column("shown", pgettext_lazy("assortment", "Visible"), cell=lambda row: SHOWN[row.shown], sort="shown"),
        Column("valid_from", pgettext_lazy("validity", "From"), cell="day", dim=True, hide_on_phone=True, sort="valid_from"),
        Column("valid_to", pgettext_lazy("validity", "To"), cell="day", dim=True, hide_on_phone=True, sort="valid_to"),
    )
    tabs = (
        Tab("today", _("Today"), _today),
        Tab("planned", _("Planned"), lambda actor: Q(valid_from__gt=clock.today())),
        Tab("past", _("Past"), lambda actor: Q(valid_to__lt=clock.today())),
        Tab("all", _("All")),
    )
    filters = (Filter("shown", pgettext_lazy("assortment", "Visible"), kind="flag", lookup="shown"),)
    search = (
        *("buyer__code__icontains", "buyer__name__icontains", "group__code__icontains", "product__code__icontains", "product__name__icontains"),
        *("category__code__icontains", "category__name__icontains", "brand__code__icontains"),
    )
    order = ("-valid_from", "-pk")
    empty = _("Everything you sell is shown to all your buyers.")
    remedy = _("Make a rule where some buyers see less.")


def _no_condition(raw: str) -> Q:
    return Q()


class OfferTable(Table):
    """Who buys, how much is not shown to it, and whether one product is."""

    columns = (
        Column("buyer.code", _("Code"), cell="link", sort="buyer__code"),
        Column("", _("Buyer"), cell=lambda row: name_of(row.buyer), sort="buyer__name", slug="buyer"),
        Column("hides", _("Products not shown"), sort="hides"),
        Column("", pgettext_lazy("assortment", "The product"), cell=lambda row: row.verdict, slug="verdict"),
        Column("", _("Because"), cell=lambda row: row.why, dim=True, width="clip", slug="why"),
    )
    tabs = (
        Tab("all", _("All")),
        Tab("hidden", SHOWN[False], Q(hidden=True)),
        Tab("shown", SHOWN[True], Q(hidden=False)),
    )
    filters = (
        Filter("product", _("Product code"), kind="text", q=_no_condition),
        Filter("buyer", _("Code of the buyer"), kind="text", lookup="buyer__code"),
    )
    search = ("buyer__code__icontains", "buyer__name__icontains")
    order = ("buyer__code", "pk")
    empty = _("No buyer stands here.")

    def shown_columns(self, actor: Any, params: QueryDict | None = None) -> list[Column]:
        """The two columns about one product only when one is asked for."""
        found = super().shown_columns(actor, params)
        return found if params is None or params.get("product") else [one for one in found if one.id not in ("verdict", "why")]

    def url(self, row: Agreement) -> str:
        return f"{reverse('assortment_products')}?buyer={row.buyer.code}"


class OfferedTable(Table):
    """What one buyer sees of what the own organisation sells."""

    columns = (
        Column("code", _("Code"), cell="code", sort="code"),
        Column("", _("Product"), cell=name_of, sort="name", width="clip", slug="name"),
        Column("hidden", pgettext_lazy("assortment", "The buyer"), cell=lambda row: _("does not see it") if row.hidden else _("sees it"), slug="verdict"),
        Column("", _("Because"), cell=lambda row: row.why, dim=True, width="clip", slug="why"),
    )
    tabs = (
        Tab("all", _("All")),
        Tab("hidden", SHOWN[False], Q(hidden=True)),
        Tab("shown", SHOWN[True], Q(hidden=False)),
    )
    filters = (Filter("buyer", _("Code of the buyer"), kind="text", q=_no_condition),)
    search = ("code__icontains", "name__icontains", "initials__startswith")
    order = ("code", "pk")
    empty = _("No product stands here.")
    remedy = _("Say which buyer, by its code.")

    def url(self, row: Any) -> str:
        return f"{reverse('assortment_buyers')}?product={row.code}"
