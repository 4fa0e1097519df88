"""The way in and out: password, second factor, links from mails, the demo's one click, the choice of organisation.

Every refusal says the same for a known and an unknown address. Failures are counted by django-axes per account and address, in the
database, for all processes; a wrong second factor counts like a wrong password.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.signals import user_login_failed
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from qudao.base.access import channel_of
from qudao.base.html.pages import door, go, refusal
from qudao.base.html.tables import by_language
from qudao.base.sentences import Said
from qudao.kernel import clock
from qudao.kernel.errors import DomainError, Invalid, NotFound, Refused
from qudao.people import actions
from qudao.people.actions.account import Profile, user_of_token
from qudao.people.actions.members import member_of_token
from qudao.people.forms import AskForm, CodeForm, JoinForm, NewPasswordForm, SignInForm
from qudao.people.models import User
from qudao.people.queries import (
    SESSION_MEMBERSHIP,
    SESSION_ROW,
    my_memberships,
    my_user,
    unscoped_actor_arriving,
    unscoped_actor_of_user,
    unscoped_demo_people,
    unscoped_second_factor,
    unscoped_user,
    unscoped_user_by_email,
)
from qudao.people.rules import TooMany, clean_email

BACKEND = "django.contrib.auth.backends.ModelBackend"
PENDING = "people_pending"
PENDING_SECONDS = 600
YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Sheet:
    """A page with one form before anybody is signed in."""

    title: str
    submit: str
    text: str = ""

    def show(self, request: HttpRequest, form: Any, faults: Sequence[Said] = (), status: int = 200) -> HttpResponse:
        """The page, with what is wrong."""
        context = {"title": self.title, "text": self.text, "submit": self.submit, "form": form, "faults": faults}
        return render(request, "people/bare_form.html", context, status=status)


def safe(request: HttpRequest, url: str | None) -> str:
    """`url` when it stays on this site, else the home page."""
    fine = url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return url if url and fine else "/"


def site_of(request: HttpRequest) -> str:
    """Where the request came in, for links in mails."""
    return f"{request.scheme}://{request.get_host()}"


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """E-mail and password; then the second factor, when there is one."""
    onward = safe(request, request.POST.get("next") or request.GET.get("next"))
    if request.method == "GET":
        if getattr(request, "actor", None):
            return HttpResponseRedirect(onward)
        return _sign_in_page(request, SignInForm(), onward)
    form = SignInForm(request.POST)
    if not form.is_valid():
        return _sign_in_page(request, form, onward, status=422)
    try:
        user = _who(request, clean_email(form.cleaned_data["email"]), form.cleaned_data["password"])
        return _go_on(request, user, form.cleaned_data["remember"], onward)
    except DomainError as error:
        return _sign_in_page(request, form, onward, faults=form.refuse(error), status=error.status)


def _sign_in_page(request: HttpRequest, form: SignInForm, onward: str, faults: Any = (), status: int = 200) -> HttpResponse:
    people = unscoped_demo_people() if settings.DEMO else []
    demo = [{"key": key, "card": card, "org": by_language(member.org.name, member.org.name_en)} for key, card, member in people]
    context = {"title": _("Sign in"), "form": form, "next": onward, "faults": faults, "demo": demo}
    return render(request, "people/sign_in.html", context, status=status)


def _who(request: HttpRequest, email: str, password: str) -> User:
    """The person with this address and password; TooMany when locked, Invalid `people.sign_in` otherwise."""
    _refuse_locked(request, email)
    user = unscoped_user_by_email(email)
    if user is None:
        User().set_password(password)  # as slow as checking one, so that the time does not betray an address
    if user is None or not user.check_password(password):
        _count_failure(request, email)
        raise Invalid("people.sign_in")
    return user


def _credentials(email: str) -> dict[str, str]:
    """An account in the words of axes, which looks for the name its settings give."""
    return {settings.AXES_USERNAME_FORM_FIELD: email}


def _refuse_locked(request: HttpRequest, email: str) -> None:
    if settings.AXES_ENABLED and not AxesProxyHandler.is_allowed(request, _credentials(email)):
        raise TooMany("people.locked")


def _count_failure(request: HttpRequest, email: str) -> None:
    user_login_failed.send(sender=__name__, credentials=_credentials(email), request=request)
    if getattr(request, "axes_locked_out", False):  # said on our own page, not on the one axes would put in its place
        request.axes_locked_out = False  # type: ignore[attr-defined]
        raise TooMany("people.locked")


def _go_on(request: HttpRequest, user: User, remember: bool, onward: str) -> HttpResponse:
    """To the second factor, or in."""
    if unscoped_second_factor(user.pk):
        request.session[PENDING] = {"user": user.pk, "at": clock.now().timestamp(), "remember": remember, "next": onward}
        return HttpResponseRedirect(reverse("sign_in_code"))
    return _come_in(request, user, remember, onward)


def _come_in(request: HttpRequest, user: User, remember: bool, onward: str) -> HttpResponse:
    """Open the session under a new key (what an attacker planted before is worth nothing), in the person's language."""
    channel = channel_of(request)
    if unscoped_actor_of_user(user.pk) is None:
        raise Refused("people.no_organisation")
    arriving = unscoped_actor_arriving(user, channel=channel)
    row = actions.open_session(request.META.get("REMOTE_ADDR"), request.headers.get("User-Agent", ""), actor=arriving)
    login(request, user, backend=BACKEND)
    request.session[SESSION_ROW] = row.pk
    request.session.pop(PENDING, None)
    request.session.set_expiry(None if remember else 0)
    return _in_language(HttpResponseRedirect(onward), user.language)


def _in_language(response: HttpResponse, language: str) -> HttpResponse:
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    return response


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """The second step, at most ten minutes after the first."""
    pending = request.session.get(PENDING)
    user = unscoped_user(pending["user"]) if pending and pending["at"] + PENDING_SECONDS > clock.now().timestamp() else None
    if user is None or pending is None:
        request.session.pop(PENDING, None)
        return HttpResponseRedirect(reverse("sign_in"))
    form = CodeForm(request.POST if request.method == "POST" else None)
    faults: Any = ()
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                _refuse_locked(request, user.email)
                _check_code(request, user, form.cleaned_data["code"])
                return _come_in(request, user, pending["remember"], safe(request, pending["next"]))
            except DomainError as error:
                faults, status = form.refuse(error), error.status
    return Sheet(_("Second step"), _("Sign in")).show(request, form, faults, status)


def _check_code(request: HttpRequest, user: User, code: str) -> None:
    try:
        actions.use_second_factor(code, actor=unscoped_actor_arriving(user, channel=channel_of(request)))
    except Invalid:
        _count_failure(request, user.email)
        raise


@require_POST
def sign_in_demo(request: HttpRequest) -> HttpResponse:
    """Become a person of the demo with one click; does not exist outside a demo."""
    found = [member for key, _card, member in unscoped_demo_people() if key == request.POST.get("person")] if settings.DEMO else []
    if not found:
        return refusal(request, NotFound("base.not_found"))
    try:
        return _go_on(request, found[0].user, True, safe(request, request.POST.get("next")))
    except DomainError as error:
        return refusal(request, error)


@require_POST
@door()
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this device's session."""
    row = request.session.get(SESSION_ROW)
    if row and request.actor.can("people.me"):  # type: ignore[attr-defined]
        actions.end_session(row, actor=request.actor)  # type: ignore[attr-defined]
    logout(request)
    return go(request, reverse("sign_in"))


@require_POST
@door()
def switch(request: HttpRequest) -> HttpResponse:
    """Act for another organisation of one's own."""
    wanted = request.POST.get("membership", "")
    found = [member for member in my_memberships(request.actor) if str(member.pk) == wanted]  # type: ignore[attr-defined]
    if not found:
        raise NotFound("base.not_found")
    request.session[SESSION_MEMBERSHIP] = found[0].pk
    return go(request, "/", _("You now act for {name}.").format(name=found[0].org.name))


@require_POST
@door("people.me")
def theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or like the device."""
    user = my_user(request.actor)  # type: ignore[attr-defined]
    profile = Profile(user.name, user.language, request.POST.get("theme") or "auto", user.time_zone)
    actions.change_profile(profile, actor=request.actor)  # type: ignore[attr-defined]
    return go(request, safe(request, request.POST.get("next")))


@require_POST
@door("people.me")
def language(request: HttpRequest) -> HttpResponse:
    """The language of this person, here and on every other device; one stays on the page."""
    user = my_user(request.actor)  # type: ignore[attr-defined]
    chosen = request.POST.get("language", "")
    actions.change_profile(Profile(user.name, chosen, user.theme, user.time_zone), actor=request.actor)  # type: ignore[attr-defined]
    return _in_language(HttpResponseRedirect(safe(request, request.POST.get("next"))), chosen)


@never_cache
@require_http_methods(["GET", "POST"])
def password_ask(request: HttpRequest) -> HttpResponse:
    """Ask for a new password; the answer is the same for every address."""
    form = AskForm(request.POST if request.method == "POST" else None)
    sheet = Sheet(_("Forgotten password"), _("Send a link"), _("We send you a link to choose a new password."))
    if request.method == "POST" and form.is_valid():
        try:
            _refuse_often(request, "reset", 10, 3600)
        except TooMany as error:
            return sheet.show(request, form, form.refuse(error), 429)
        user = unscoped_user_by_email(form.cleaned_data["email"])
        if user is not None:
            try:
                actions.ask_reset(user.pk, site_of(request), actor=unscoped_actor_arriving(user, channel=channel_of(request)))
            except Refused:
                pass  # a link was just sent; saying so would betray the address
        messages.success(request, _("If this address is known here, a mail with a link is on its way."))
        return HttpResponseRedirect(reverse("sign_in"))
    return sheet.show(request, form, status=422 if request.method == "POST" else 200)


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def password_new(request: HttpRequest, token: str) -> HttpResponse:
    """Choose a new password by a mailed link."""
    form = NewPasswordForm(request.POST if request.method == "POST" else None)
    try:
        user = user_of_token(token)
    except DomainError as error:
        return refusal(request, error)
    sheet = Sheet(_("New password"), _("Save"), user.email)
    if request.method == "POST" and form.is_valid():
        try:
            actions.reset_password(token, form.cleaned_data["password"], actor=unscoped_actor_arriving(user, channel=channel_of(request)))
        except DomainError as error:
            return sheet.show(request, form, form.refuse(error), error.status)
        messages.success(request, _("The new password is set. Sign in with it."))
        return HttpResponseRedirect(reverse("sign_in"))
    return sheet.show(request, form, status=422 if request.method == "POST" else 200)


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Answer an invitation: a new person chooses name and password, a known one only joins."""
    try:
        member = member_of_token(token)
    except DomainError as error:
        return refusal(request, error)
    known = member.user.has_usable_password()
    form = None if known else JoinForm(request.POST if request.method == "POST" else None, initial={"name": member.user.name})
    faults: Any = ()
    status = 200
    if request.method == "POST":
        status = 422
        if form is None or form.is_valid():
            given = form.cleaned_data if form else {"name": "", "password": ""}
            arriving = unscoped_actor_arriving(member.user, member.org_id, channel_of(request))
            try:
                actions.accept_invitation(token, given["name"], given["password"], actor=arriving)
                messages.success(request, _("Welcome. Sign in to begin."))
                return HttpResponseRedirect(reverse("sign_in"))
            except DomainError as error:
                faults, status = form.refuse(error) if form else SignInForm().refuse(error), error.status
    text = _("{org} invites {email} to work on Qudao.").format(org=member.org.name, email=member.user.email)
    return Sheet(_("Invitation"), _("Accept"), text).show(request, form, faults, status)


def _refuse_often(request: HttpRequest, what: str, most: int, seconds: int) -> None:
    """At most `most` times in `seconds` from one address (per process: a brake, not a wall; axes is the wall)."""
    key = f"people.{what}.{request.META.get('REMOTE_ADDR', '')}"
    cache.add(key, 0, seconds)
    try:
        count = cache.incr(key)
    except ValueError:  # it ended just now
        return
    if count > most:
        raise TooMany("people.too_often")


routes = [
    path("sign-in/", sign_in, name="sign_in"),
    path("sign-in/code", sign_in_code, name="sign_in_code"),
    path("sign-in/demo", sign_in_demo, name="sign_in_demo"),
    path("sign-out/", sign_out, name="sign_out"),
    path("session/organisation", switch, name="switch"),
    path("session/theme", theme, name="theme"),
    path("session/language", language, name="language"),
    path("password/", password_ask, name="password_ask"),
    path("password/<str:token>/", password_new, name="password_new"),
    path("invitations/<str:token>/", invitation, name="invitation"),
]
