"""Languages, themes, states of a membership, the system roles as data, and the sentences of this module's refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Language(TextChoices):
    """Languages of the product."""

    ZH = "zh-hans", "简体中文"
    EN = "en", "English"


class Theme(TextChoices):
    """How pages look; `auto` follows the device."""

    AUTO = "auto", _("Like the device")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class MemberState(TextChoices):
    """Whether a person may act for an organisation."""

    INVITED = "invited", _("Invited")
    ACTIVE = "active", _("Active")
    ENDED = "ended", _("Ended")


class MemberScope(TextChoices):
    """How far a member sees (the values of base.access.Scope)."""

    SELF = "self", _("Own work")
    ORG = "org", _("Own organisation")
    BRANCH = "branch", _("Own branch")
    ALL = "all", _("Everything")


#: what each view shows, in words
VIEW_WORDS: dict[str, Any] = {
    MemberScope.SELF: _(
        "What the person placed, recorded, shipped or received, or is asked to sign. Products, prices, stock and terms as everybody here; no books."
    ),
    MemberScope.ORG: _("Everything of the own organisation: a firm, a shop."),
    MemberScope.BRANCH: _("The own organisation and all below it; amounts between others only with the grant."),
    MemberScope.ALL: _("The whole network; amounts between others only with the grant."),
}

#: Wider scopes have higher numbers; nobody gives a wider one than the own.
WIDTH: dict[str, int] = {MemberScope.SELF: 0, MemberScope.ORG: 1, MemberScope.BRANCH: 2, MemberScope.ALL: 3}

#: (state, verb) → next state; what is missing is refused.
TRANSITIONS: dict[tuple[str, str], str] = {
    (MemberState.INVITED, "accept"): MemberState.ACTIVE,
    (MemberState.INVITED, "end"): MemberState.ENDED,
    (MemberState.ACTIVE, "end"): MemberState.ENDED,
    (MemberState.ENDED, "invite"): MemberState.INVITED,
}


@dataclass(frozen=True)
class RoleCard:
    """A system role: names, verb patterns ("orders.*"; "!orders.approve" takes away), field classes, usual scope, kinds of organisation it suits."""

    name: Any
    name_en: str
    verbs: tuple[str, ...]
    scope: str
    fields: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("hq", "region")


_OWN_WORK = ("base.export", "base.files", "base.runs", "base.views")
_EVERYBODY = (
    *("network.view", "people.me", "people.token", "people.sign_in", "catalog.view"),
    *("messages.view", "messages.write", "messages.assign"),
    *("base.export", "base.files", "base.print", "base.runs", "base.views"),
)
_READS_TRADE = tuple(f"{module}.view" for module in ("agreements", "pricing", "inventory", "funds", "orders", "fulfilment", "billing", "payments", "ledger"))
_DECIDES = ("approvals.view", "approvals.delegate", "approvals.add_signer", "approvals.send_back", "approvals.ask", "approvals.sign")
_BUYS = (
    *(*_EVERYBODY, *_READS_TRADE, "baskets.use", "orders.place", "orders.withdraw", "orders.cancel", "orders.attach", "orders.readdress", "orders.amend"),
    *("orders.split", "orders.confirm_purchase", "funds.ask_limit"),
    *("network.address", "fulfilment.receive", "payments.announce"),
)
_SELLS = (
    *("catalog.*", "agreements.*", "pricing.*", "inventory.*", "funds.*", "quotas.*", "orders.*", "fulfilment.*"),
    *("billing.*", "payments.*", "ledger.*", "approvals.*"),
)
_DEALERS = ("dealer", "outlet")

#: The roles that come with the product, by code; `actions.ensure_system_roles` writes them into the table.
ROLES: dict[str, RoleCard] = {
    "hq_admin": RoleCard("管理员", "Administrator", ("*",), MemberScope.ALL, ("*",), ("hq",)),
    "hq_clerk": RoleCard(
        "订单员",
        "Order clerk",
        (*_EVERYBODY, *_READS_TRADE, "people.view", "network.address", "orders.*", "quotas.*", "funds.ask_limit", *_DECIDES, "base.imports"),
        MemberScope.ALL,
    ),
    "hq_finance": RoleCard(
        "财务",
        "Finance clerk",
        (
            *(*_EVERYBODY, *_READS_TRADE, "people.view", "orders.approve", "orders.return", "orders.release", *_DECIDES, "base.imports"),
            *("billing.*", "payments.*", "funds.*", "ledger.*", "pricing.rates"),
        ),
        MemberScope.ALL,
        ("*",),
    ),
    "hq_warehouse": RoleCard(
        "仓管",
        "Warehouse clerk",
        (*_EVERYBODY, "base.imports", "fulfilment.*", "inventory.*", "orders.view", "agreements.view", "approvals.ask"),
        MemberScope.ALL,
    ),
    "hq_channel": RoleCard(
        "渠道经理",
        "Channel manager",
        (
            *(*_EVERYBODY, *_READS_TRADE, "people.view", "network.register", "network.change", "network.address", "network.suspend", "base.imports"),
            *("agreements.*", "pricing.*", "quotas.*", "orders.approve", "orders.return", "orders.arrange", "funds.ask_limit", "ledger.remind", *_DECIDES),
        ),
        MemberScope.ALL,
        ("*",),
    ),
    "hq_auditor": RoleCard(
        "审计", "Auditor", (*_EVERYBODY, *_READS_TRADE, "quotas.view", "people.view", "approvals.view", "base.view_log"), MemberScope.ALL, ("*",)
    ),
    "dealer_buyer": RoleCard("采购", "Buyer", _BUYS, MemberScope.ORG, (), _DEALERS),
    "dealer_admin": RoleCard(
        "经销商管理员",
        "Dealer administrator",
        (
            *_BUYS,
            *_SELLS,
            "messages.edit_texts",
            "people.*",
            "!people.support",
            "network.register",
            "network.change",
            "network.suspend",
            "base.imports",
            "base.view_log",
            "base.start_views",
        ),
        MemberScope.BRANCH,
        ("trade.cost", "trade.margin"),
        _DEALERS,
    ),
    "shop_owner": RoleCard("店长", "Shop owner", (*_BUYS, "people.view"), MemberScope.ORG, (), _DEALERS),
}


TOKEN_PREFIX = "qd_"  # noqa: S105 - not a secret: what every token begins with, so that scanners of leaked secrets find it
TOKEN_DAYS = 365
INVITATION_DAYS = 7
RESET_HOURS = 2
RECOVERY_CODES = 10


@dataclass(frozen=True)
class DemoCard:
    """A person of the demo network whom a visitor may become with one click: icon, what the person does."""

    email: str
    icon: str
    label: Any


#: by key, in the order shown; the demo loader enrols them, the sign-in page shows those that exist when settings.DEMO is on
DEMO_PEOPLE: dict[str, DemoCard] = {
    "clerk": DemoCard("clerk@lanhe.example", "clipboard-list", _("Order clerk")),
    "finance": DemoCard("finance@lanhe.example", "coins", _("Finance clerk")),
    "warehouse": DemoCard("warehouse@lanhe.example", "forklift", _("Warehouse clerk")),
    "channel": DemoCard("channel@lanhe.example", "sitemap", _("Channel manager")),
    "dealer": DemoCard("buyer@hupan.example", "building-store", _("Tier-1 dealer, buyer")),
    "shop": DemoCard("owner@xixi.example", "home", _("Tier-2 shop, owner")),
    "auditor": DemoCard("auditor@lanhe.example", "search", _("Auditor")),
    "admin": DemoCard("admin@lanhe.example", "settings", _("Administrator")),
}

SENTENCES = {
    "people.email": _("{email} is not an e-mail address."),
    "people.name_missing": _("Please write a name."),
    "people.email_taken": _("Another person already signs in with this e-mail address."),
    "people.user_email_unique": _("Another person already signs in with this e-mail address."),
    "people.member_already": _("{email} already belongs to this organisation."),
    "people.manager_unknown": _("The manager is a colleague of the same organisation."),
    "people.role_unknown": _("This role does not exist here."),
    "people.role_kind": _("The role “{role}” is not meant for this kind of organisation."),
    "people.exceeds_verbs": _("You cannot give rights that you do not have yourself: {verbs}."),
    "people.exceeds_fields": _("You cannot show others what you may not see yourself: {fields}."),
    "people.exceeds_scope": _("You cannot give a wider view than your own."),
    "people.joined": _("The person has answered the invitation and works here."),
    "people.own_membership": _("You cannot change your own rights."),
    "people.state": _("{name} is in state “{state}”; this is not possible now."),
    "people.system_role": _("This role comes with the product and cannot be changed."),
    "people.role_used": _("{count} people still have this role."),
    "people.role_code_taken": _("Another role of your organisation has this code."),
    "people.role_code": _("A code has small letters, digits and underscores."),
    "people.field_unknown": _("“{field}” is no guarded figure of this system."),
    "people.verb_unknown": _("“{verb}” is not a right of this system."),
    "people.password": _("This password cannot be used: {why}"),
    "people.password_wrong": _("The current password is not right."),
    "people.passwords_differ": _("The two passwords are not the same."),
    "people.link": _("This link is used up, expired or wrong."),
    "people.sign_in": _("E-mail address or password is not right."),
    "people.locked": _("Too many attempts. Signing in from here is locked for a while."),
    "people.too_often": _("Too many requests in a short time."),
    "people.no_organisation": _("This account does not belong to any organisation at present."),
    "people.totp_code": _("This code is not right or was already used."),
    "people.totp_on": _("The second factor is already switched on."),
    "people.totp_off": _("The second factor is not switched on."),
    "people.token_name": _("Please give the token a name."),
    "people.token_days": _("A token lives 1 to {most} days."),
    "people.token_by_token": _("A program cannot do this; sign in yourself."),
    "people.link_too_soon": _("A link was just sent; look into your mail."),
    "people.role_owner": _("This role belongs to another organisation."),
    "people.language": _("This language is not available."),
    "people.theme": _("This theme is not available."),
    "people.time_zone": _("This time zone is not known."),
    "people.last_admin": _("Somebody must be left who can manage the people of this organisation."),
}

REMEDIES = {
    "people.exceeds_verbs": _("Choose a role with fewer rights, or ask somebody who has them."),
    "people.exceeds_scope": _("Choose a narrower view."),
    "people.own_membership": _("Ask another administrator."),
    "people.role_used": _("Give these people another role first."),
    "people.link": _("Ask for a new one."),
    "people.locked": _("Wait 15 minutes, or reset your password."),
    "people.too_often": _("Wait a few minutes and try again."),
    "people.no_organisation": _("Ask your administrator for an invitation."),
    "people.totp_code": _("Wait for the next code; check the clock of your phone."),
    "people.last_admin": _("Make somebody else an administrator first."),
}
