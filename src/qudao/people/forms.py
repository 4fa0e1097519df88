"""What people type about themselves, others and roles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, all_fields, all_verbs
from qudao.base.html.forms import Form
from qudao.base.html.picks import PickField
from qudao.base.html.tables import by_language
from qudao.people.queries import places_of, roles_for, unscoped_people_of
from qudao.people.states import TOKEN_DAYS, WIDTH, Language, MemberScope, Theme

_PASSWORD: dict[str, Any] = {"strip": False, "max_length": 200}


def _secret(autocomplete: str) -> forms.PasswordInput:
    return forms.PasswordInput(attrs={"autocomplete": autocomplete})


class SignInForm(Form):
    """E-mail and password."""

    email = forms.CharField(label=_("E-mail"), max_length=254, widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}))
    password = forms.CharField(label=_("Password"), widget=_secret("current-password"), **_PASSWORD)
    remember = forms.BooleanField(label=_("Stay signed in on this computer for 14 days"), required=False, initial=True)


class CodeForm(Form):
    """A one-time code, or a recovery code."""

    code = forms.CharField(
        label=_("Code of your app, or a recovery code"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}),
    )


class AskForm(Form):
    """Whose password is forgotten."""

    email = forms.CharField(label=_("E-mail"), max_length=254, widget=forms.TextInput(attrs={"autocomplete": "username"}))


class NewPasswordForm(Form):
    """A new password, typed twice."""

    password = forms.CharField(label=_("New password"), widget=_secret("new-password"), help_text=_("At least 10 characters."), **_PASSWORD)
    again = forms.CharField(label=_("Once more"), widget=_secret("new-password"), **_PASSWORD)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("password") and cleaned.get("again") and cleaned["password"] != cleaned["again"]:
            self.add_error("again", _("The two passwords are not the same."))
        return cleaned


class JoinForm(NewPasswordForm):
    """A new person answers an invitation."""

    name = forms.CharField(label=_("Your name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    field_order = ("name",)


@cache
def _zones() -> list[tuple[str, Any]]:
    """Cities of the world by region, the installation's own zone first."""
    named = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/", "posix/", "right/")))
    return [("", settings.TIME_ZONE), *((name, name.replace("_", " ")) for name in named)]


class ProfileForm(Form):
    """Name, language, look, time zone."""

    name = forms.CharField(label=_("Name"), max_length=80)
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)
    theme = forms.ChoiceField(label=_("Look"), choices=Theme.choices)
    time_zone = forms.ChoiceField(
        label=_("Time zone"), required=False, choices=_zones, help_text=_("Of the times of day you see. The dates of documents are the same for everybody.")
    )


class PasswordForm(NewPasswordForm):
    """The present password and a new one."""

    current = forms.CharField(label=_("Current password"), widget=_secret("current-password"), **_PASSWORD)
    field_order = ("current",)


class ConfirmForm(Form):
    """The password again, before something that matters."""

    password = forms.CharField(label=_("Your password"), widget=_secret("current-password"), **_PASSWORD)


class TokenForm(Form):
    """A new API token."""

    name = forms.CharField(label=_("What it is for"), max_length=60)
    days = forms.IntegerField(label=_("Days it lives"), min_value=1, max_value=TOKEN_DAYS, initial=90)


class _Offers(Form):
    """A form whose choices depend on who asks."""

    def offer(self, name: str, choices: Sequence[tuple[Any, Any]]) -> None:
        """Set the choices of a field."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


def views(actor: Actor) -> list[tuple[str, Any]]:
    """The views an actor may give: none wider than the own."""
    return [(value, label) for value, label in MemberScope.choices if WIDTH[value] <= WIDTH[str(actor.scope)]]


class _PostForm(_Offers):
    """Role and view; only what the actor may give. `place`: (id, kind) of the organisation when the page knows it."""

    role = forms.TypedChoiceField(label=_("Role"), coerce=int)
    scope = forms.ChoiceField(label=_("View"))

    def __init__(self, *args: Any, place: tuple[int, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [place] if place else [(self.actor.org_id, kind) for kind in ("hq", "region", "dealer", "outlet")]
        if place is None and self.actor.org_kind not in ("hq", "region"):
            kinds = [(self.actor.org_id, self.actor.org_kind)]
        roles = {role.pk: role for org_id, kind in kinds for role in roles_for(self.actor, org_id, kind)}
        self.offer("role", [(pk, by_language(role.name, role.name_en)) for pk, role in roles.items()])
        self.offer("scope", views(self.actor))


class InviteForm(_PostForm):
    """Whom to invite, where to, in which role."""

    email = forms.CharField(label=_("E-mail"), max_length=254)
    name = forms.CharField(label=_("Name"), max_length=80)
    language = forms.ChoiceField(label=_("Language of the mail"), choices=Language.choices)
    org = PickField(label=_("Where they work"), among=places_of, help_text=_("A person with two shops is invited to each, and switches between them."))
    field_order = ("email", "name", "language", "org", "role", "scope")


class MemberForm(_PostForm):
    """Another role or view."""


class PlaceForm(_Offers):
    """Department and manager."""

    department = forms.CharField(label=_("Department"), max_length=40, required=False)
    manager_id = forms.TypedChoiceField(
        label=_("Manager"), coerce=int, required=False, empty_value=None, help_text=_("Who signs where a flow asks for the manager.")
    )

    def __init__(self, *args: Any, org_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("manager_id", [("", _("Nobody")), *unscoped_people_of(org_id)])


class RemarkForm(Form):
    """A remark that stays in the log."""

    reason = forms.CharField(label=_("Remark"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class RoleForm(_Offers):
    """A role of one's own organisation: only verbs the actor holds are offered, and guarded figures it sees."""

    layout = "grid"
    code = forms.CharField(label=_("Code"), max_length=40, help_text=_("Small letters, digits and underscores."))
    name = forms.CharField(label=_("Name"), max_length=60)
    name_en = forms.CharField(label=_("English name"), max_length=60, required=False)
    scope = forms.ChoiceField(label=_("Usual view"))
    grants = forms.MultipleChoiceField(label=_("Guarded figures"), required=False, widget=forms.CheckboxSelectMultiple)
    verbs = forms.MultipleChoiceField(label=_("Rights"), widget=forms.CheckboxSelectMultiple(attrs={"data-wide": "1"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        seen = [(name, label) for name, label in sorted(all_fields().items()) if self.actor.sees(name)]
        self.offer("grants", seen)
        if not seen:
            del self.fields["grants"]
        self.offer("verbs", [(verb, label) for verb, label in sorted(all_verbs().items()) if self.actor.can(verb)])
        self.offer("scope", views(self.actor))
