"""One's own account: profile, password, second factor, signed-in devices, API tokens."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import segno
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import Button, FormPage, Page, Panel, door, go
from qudao.base.html.tables import by_language
from qudao.kernel.errors import DomainError, Forbidden, NotFound
from qudao.people import actions
from qudao.people.actions.account import Profile
from qudao.people.actions.factors import new_secret
from qudao.people.forms import CodeForm, ConfirmForm, PasswordForm, ProfileForm, TokenForm
from qudao.people.models import ApiToken, Session, User
from qudao.people.queries import SESSION_ROW, my_memberships, my_user, open_sessions, tokens, unscoped_second_factor
from qudao.people.rules import otpauth
from qudao.people.states import RECOVERY_CODES

TOTP = "people_totp"


def profile_panel(user: User) -> Panel:
    """Who I am."""
    facts = [
        (_("Name"), user.name),
        (_("E-mail"), user.email),
        (_("Language"), user.get_language_display()),
        (_("Look"), user.get_theme_display()),
        (_("Time zone"), format_html('<span class="code">{}</span>', user.time_zone or settings.TIME_ZONE)),
    ]
    buttons = [Button(_("Change"), reverse("me_profile")), Button(_("Change password"), reverse("me_password"))]
    return Panel(_("Profile"), "people/panel_buttons.html", {"facts": facts, "buttons": buttons})


def factor_panel(user: User) -> Panel:
    """Whether a second factor guards the account."""
    factor = unscoped_second_factor(user.pk)
    if factor:
        state = (_("On"), "done")
        facts = [(_("Recovery codes left"), _("{left} of {all}").format(left=len(factor.recovery), all=RECOVERY_CODES))]
        buttons = [Button(_("New recovery codes"), reverse("me_recovery")), Button(_("Switch off"), reverse("me_factor_off"), danger=True)]
    else:
        state = (_("Off"), "idle")
        facts = [(_("Why"), _("A stolen password alone then opens nothing."))]
        buttons = [Button(_("Switch on"), reverse("me_factor"))]
    return Panel(_("Second factor"), "people/panel_buttons.html", {"facts": facts, "buttons": buttons, "state": state})


def posts_panel(actor: Actor) -> Panel:
    """For whom I act."""
    items = [
        {"label": by_language(m.org.name, m.org.name_en), "facts": [by_language(m.role.name, m.role.name_en), m.get_scope_display()]}
        for m in my_memberships(actor)
    ]
    return Panel(_("Organisations"), "parts/panel_items.html", {"items": items}, aside=True)


def sessions_panel(request: HttpRequest, actor: Actor) -> Panel:
    """Where I am signed in."""
    here = request.session.get(SESSION_ROW)
    items = []
    for row in open_sessions(actor)[:20]:
        mine = row.pk == here
        facts = [row.ip or "", figures.moment(row.started_at)]
        end = [] if mine else [Button(_("Sign out"), reverse("me_session", args=[row.pk]), post=True)]
        items.append({"label": device_of(row), "state": (_("This device"), "done") if mine else None, "facts": facts, "buttons": end})
    return Panel(_("Signed-in devices"), "parts/panel_items.html", {"items": items})


def device_of(row: Session) -> str:
    """A device in short words; the whole of what the browser says of itself is of no use to people."""
    systems = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")
    browsers = (("MicroMessenger", "WeChat"), ("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
    browser = next((name for mark, name in browsers if mark in row.agent), "")
    system = next((name for name in systems if name in row.agent), "")
    return " ".join(part for part in (browser, system) if part) or _("Unknown device")


def tokens_panel(actor: Actor) -> Panel:
    """Keys of programs that act as me."""
    items = []
    for token in tokens(actor).filter(membership__user_id=actor.user_id or 0)[:50]:
        used = _("last used {day}").format(day=figures.day(token.last_used_on)) if token.last_used_on else _("never used")
        until = _("until {day}").format(day=figures.day(token.expires_at))
        revoke = Button(_("Revoke"), reverse("me_token", args=[token.pk]), post=True)
        state = (_("Revoked"), "idle") if token.revoked_at else None
        items.append({"label": token.name, "state": state, "facts": [f"{token.prefix}…", until, used], "buttons": [] if token.revoked_at else [revoke]})
    return Panel(_("API tokens"), "parts/panel_items.html", {"items": items, "empty": _("No program acts as you.")})


class Me(Page):
    """The account at a glance."""

    verb = "people.me"
    title = gettext_lazy("My account")
    template = "people/me.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        user = my_user(self.actor)
        main = [profile_panel(user), factor_panel(user), sessions_panel(request, self.actor)]
        if self.actor.can("people.token"):
            main.append(tokens_panel(self.actor))
        drawn = [panel.html(request) for panel in main]
        aside = [posts_panel(self.actor).html(request)]
        return self.show(self.template, {"user": user, "main_panels": drawn, "aside_panels": aside, "may_token": self.actor.can("people.token")})


class _MyForm(FormPage):
    """A form about oneself; comes back to the account."""

    verb = "people.me"
    above = "me"

    def done(self, result: Any) -> str:
        return reverse("me")


class MyProfile(_MyForm):
    """Name, language, look, time zone."""

    form = ProfileForm
    title = gettext_lazy("Change profile")
    said = gettext_lazy("The profile is saved.")
    chosen = ""

    def find(self, **kwargs: Any) -> User:
        return my_user(self.actor)

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        self.chosen = cleaned["language"]
        return actions.change_profile(Profile(**cleaned), actor=self.actor)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        if response.status_code < 400 and self.chosen:
            response.set_cookie(settings.LANGUAGE_COOKIE_NAME, self.chosen, max_age=365 * 24 * 3600, samesite="Lax")
        return response


@method_decorator(sensitive_post_parameters("current", "password", "again"), name="dispatch")
class MyPassword(_MyForm):
    """A new password; the other devices are signed out."""

    form = PasswordForm
    title = gettext_lazy("Change password")
    said = gettext_lazy("The password is changed; your other devices are signed out.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        here = self.request.session.get(SESSION_ROW)
        user = actions.change_password(cleaned["current"], cleaned["password"], here, actor=self.actor)
        update_session_auth_hash(self.request, user)  # a new key for this session too
        return user


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
@door("people.me")
def factor_on(request: HttpRequest) -> HttpResponse:
    """Scan, type a code, and see the recovery codes once."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    secret = request.session.get(TOTP) or new_secret()
    request.session[TOTP] = secret
    form = CodeForm(request.POST if request.method == "POST" else None)
    faults: Any = ()
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                codes = actions.enable_second_factor(secret, form.cleaned_data["code"], actor=actor)
                del request.session[TOTP]
                return once(request, _("Recovery codes"), codes, _("Each opens the account once when your phone is not at hand. Keep them safe."))
            except Forbidden:
                raise
            except DomainError as error:
                faults, status = form.refuse(error), error.status
    uri = otpauth(secret, my_user(actor).email, "Qudao")
    qr = segno.make(uri, micro=False).svg_inline(scale=4, border=2, dark="#000", light="#fff", omitsize=False)
    context = {"title": _("Second factor"), "form": form, "faults": faults, "qr": mark_safe(qr), "secret": secret, "back": reverse("me")}  # noqa: S308
    return render(request, "people/factor.html", context, status=status)


def once(request: HttpRequest, title: str, secrets: list[str], text: str) -> HttpResponse:
    """Show secrets this one time; nothing keeps them."""
    response = render(request, "people/once.html", {"title": title, "secrets": secrets, "text": text, "back": reverse("me")})
    response["Cache-Control"] = "no-store"
    return response


class FactorOff(_MyForm):
    """Without the second factor."""

    form = ConfirmForm
    title = submit = gettext_lazy("Switch off the second factor")
    said = gettext_lazy("The second factor is off.")
    danger = True

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.disable_second_factor(cleaned["password"], actor=self.actor)


class _Once(_MyForm):
    """A form whose result is shown once. Hook: `make(cleaned)` → (title, secrets, text)."""

    def make(self, cleaned: dict[str, Any]) -> tuple[str, list[str], str]:
        raise NotImplementedError

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.form(request.POST, actor=self.actor)
        if not form.is_valid():
            return self.page(None, form, status=422)
        try:
            title, found, text = self.make(form.cleaned_data)
        except (Forbidden, NotFound):
            raise
        except DomainError as error:
            return self.page(None, form, form.refuse(error), status=error.status)
        return once(request, title, found, text)


class Recovery(_Once):
    """New recovery codes; the former ones end."""

    form = ConfirmForm
    title = submit = gettext_lazy("New recovery codes")

    def make(self, cleaned: dict[str, Any]) -> tuple[str, list[str], str]:
        codes = actions.renew_recovery_codes(cleaned["password"], actor=self.actor)
        return _("Recovery codes"), codes, _("The former codes no longer work.")


class TokenNew(_Once):
    """A new API token, shown once."""

    verb = "people.token"
    form = TokenForm
    title = submit = gettext_lazy("New API token")

    def make(self, cleaned: dict[str, Any]) -> tuple[str, list[str], str]:
        _token, raw = actions.make_token(cleaned["name"], cleaned["days"], actor=self.actor)
        return _("API token"), [raw], _("Copy it now: it is not shown again. It may do whatever you may do.")


@require_POST
@door("people.me")
def session_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign out one of the own devices."""
    actions.end_session(pk, actor=request.actor)  # type: ignore[attr-defined]
    return go(request, reverse("me"), _("The device is signed out."))


@require_POST
@door("people.me")
def sessions_end(request: HttpRequest) -> HttpResponse:
    """Sign out all own devices but this."""
    actions.end_other_sessions(request.session.get(SESSION_ROW), actor=request.actor)  # type: ignore[attr-defined]
    return go(request, reverse("me"), _("Your other devices are signed out."))


@require_POST
@door("people.token")
def token_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a token."""
    token: ApiToken = actions.revoke_token(pk, actor=request.actor)  # type: ignore[attr-defined]
    return go(request, reverse("me"), _("The token “{name}” no longer works.").format(name=token.name))


routes = [
    path("me/", Me.as_view(), name="me"),
    path("me/profile", MyProfile.as_view(), name="me_profile"),
    path("me/password", MyPassword.as_view(), name="me_password"),
    path("me/second-factor", factor_on, name="me_factor"),
    path("me/second-factor/off", FactorOff.as_view(), name="me_factor_off"),
    path("me/second-factor/recovery", Recovery.as_view(), name="me_recovery"),
    path("me/sessions/others", sessions_end, name="me_sessions_others"),
    path("me/sessions/<int:pk>", session_end, name="me_session"),
    path("me/tokens/new", TokenNew.as_view(), name="me_token_new"),
    path("me/tokens/<int:pk>", token_end, name="me_token"),
]
