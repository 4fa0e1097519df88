"""People and what they may do: users, roles, memberships, sessions, second factors, API tokens."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Guarded, Row
from qudao.kernel import clock
from qudao.people.states import Language, MemberScope, MemberState, Theme


class Users(BaseUserManager["User"]):
    """Finds a user by e-mail whatever its case (Django's sign-in asks for `get_by_natural_key`)."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(Row, AbstractBaseUser):
    """A person who signs in with an e-mail address (kept in small letters). What the person may do hangs on memberships, never on the user."""

    email = models.EmailField(_("e-mail"))
    name = models.CharField(_("name"), max_length=80)
    language = models.CharField(_("language"), max_length=8, choices=Language.choices, default=Language.ZH)
    theme = models.CharField(_("theme"), max_length=5, choices=Theme.choices, default=Theme.AUTO)
    #: in which clock times are shown to the person; "" = that of the installation, whose calendar the dates of documents follow for everybody
    time_zone = models.CharField(_("time zone"), max_length=40, blank=True, default="", db_default="")
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    link_asked_at = models.DateTimeField(null=True, editable=False)

    unscoped = Users()  # type: ignore[misc]
    objects = Guarded()  # type: ignore[misc]

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []  # type: ignore[misc]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.UniqueConstraint(
                fields=["email"], name="people_user_email_unique", violation_error_message=_("Another person already signs in with this e-mail address.")
            ),
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="people_user_email_small", violation_error_message=_("The e-mail address is kept in small letters.")
            ),
            models.CheckConstraint(
                condition=Q(language__in=Language.values),
                name="people_user_language_known",
                violation_error_message=_("This language is not available."),
            ),
            models.CheckConstraint(
                condition=Q(theme__in=Theme.values), name="people_user_theme_known", violation_error_message=_("This theme is not available.")
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email


class Role(Row):
    """A named set of rights. `verbs` and `fields` are patterns ("orders.*", "!orders.approve"); without owner it comes with the product."""

    code = models.CharField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60, blank=True, default="")
    verbs = ArrayField(models.CharField(max_length=60), verbose_name=_("rights"), default=list)
    fields = ArrayField(models.CharField(max_length=60), verbose_name=_("guarded fields"), default=list, blank=True)
    scope = models.CharField(_("usual view"), max_length=6, choices=MemberScope.choices, default=MemberScope.ORG)
    kinds = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    owner = models.ForeignKey("network.Organisation", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "code"],
                nulls_distinct=False,
                name="people_role_code_unique",
                violation_error_message=_("Another role of your organisation has this code."),
            ),
            models.CheckConstraint(
                condition=Q(scope__in=MemberScope.values), name="people_role_scope_known", violation_error_message=_("This view is unknown.")
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(Row):
    """A person acts for an organisation in one role; rights and view of every action come from here, department and manager give none."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships", verbose_name=_("person"))
    org = models.ForeignKey("network.Organisation", models.PROTECT, related_name="+", verbose_name=_("organisation"))
    role = models.ForeignKey(Role, models.PROTECT, related_name="memberships", verbose_name=_("role"))
    scope = models.CharField(_("view"), max_length=6, choices=MemberScope.choices, default=MemberScope.ORG)
    state = models.CharField(_("state"), max_length=8, choices=MemberState.choices, default=MemberState.ACTIVE)
    department = models.CharField(_("department"), max_length=40, blank=True, default="", db_default="")
    manager = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("manager"), db_index=False)
    invited_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "org"], name="people_membership_user_org_unique", violation_error_message=_("This person already belongs here.")
            ),
            models.CheckConstraint(
                condition=Q(scope__in=MemberScope.values), name="people_membership_scope_known", violation_error_message=_("This view is unknown.")
            ),
            models.CheckConstraint(
                condition=Q(state__in=MemberState.values), name="people_membership_state_known", violation_error_message=_("This state is unknown.")
            ),
            models.CheckConstraint(
                condition=~Q(manager=models.F("id")), name="people_membership_manager_another", violation_error_message=_("Nobody is the own manager.")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}@{self.org_id}"

    def get_absolute_url(self) -> str:
        """The page of the person in this organisation."""
        return reverse("person", args=[self.pk])


class Session(Row):
    """One signed-in browser. Its id is in the cookie's session; ending the row ends the sign-in at the next request, whatever keeps sessions."""

    user = models.ForeignKey(User, models.PROTECT, related_name="sessions")
    agent = models.CharField(max_length=200, blank=True, default="")
    ip = models.GenericIPAddressField(null=True)
    started_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("signed-in device")
        verbose_name_plural = _("signed-in devices")
        indexes = [models.Index(fields=["user"], condition=Q(ended_at__isnull=True), name="people_session_open")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=models.F("started_at")),
                name="people_session_ends_after_start",
                violation_error_message=_("A session ends after it starts."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.ip}"


class SecondFactor(Row):
    """A person's one-time-password app: the secret (encrypted), the last time step used (a code works once), hashes of recovery codes left."""

    user = models.OneToOneField(User, models.PROTECT, related_name="second_factor")
    secret = models.CharField(max_length=255)
    last_step = models.BigIntegerField(default=0)
    recovery = ArrayField(models.CharField(max_length=64), default=list)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")

    def __str__(self) -> str:
        return str(self.user_id)


class ApiToken(Row):
    """A key for programs that act as a membership. Only its SHA-256 is kept; `prefix` are its first characters, for people to tell tokens apart."""

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="tokens")
    name = models.CharField(_("name"), max_length=60)
    sha256 = models.CharField(max_length=64, editable=False)
    prefix = models.CharField(max_length=12, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_used_on = models.DateField(_("last used"), null=True, editable=False)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [
            models.UniqueConstraint(fields=["sha256"], name="people_apitoken_sha256_unique", violation_error_message=_("This token exists already.")),
            models.CheckConstraint(condition=~Q(name=""), name="people_apitoken_name_present", violation_error_message=_("Please give the token a name.")),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.prefix}…"
