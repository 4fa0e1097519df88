"""Pages of notices: the list, the way to what a notice is about, marking as read, e-mail on or off."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import NoReverseMatch, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.html.pages import Button, ListPage, door, go
from qudao.messages import actions, queries
from qudao.messages.models import Notice
from qudao.messages.tables import NoticeTable


class NoticeList(ListPage):
    """The own notices."""

    verb = "messages.view"
    query = queries.notices
    table = NoticeTable
    title = gettext_lazy("Notices")

    def buttons(self) -> Sequence[Button]:
        wants = queries.wants_email(self.actor)
        switch = _("Stop e-mails") if wants else _("Send me e-mails too")
        return [
            Button(switch, reverse("notices_email"), icon="mail", post=True, fields={"by_email": "" if wants else "1"}),
            Button(_("Mark all as read"), reverse("notices_read"), icon="checks", post=True),
        ]

    def bulk(self) -> Sequence[Button]:
        return [Button(_("Mark as read"), reverse("notices_read"), icon="check", post=True)]


def address_of(notice: Notice) -> str:
    """The page of what a notice is about: by habit a document's address is named after its noun ("orders.order" → "order"); else the list."""
    try:
        return reverse(notice.subject_kind.rpartition(".")[2], args=[notice.subject_id])
    except NoReverseMatch:
        return reverse("notices")


@door("messages.view")
def open_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """Go to what the notice is about; having been there, it is read. Doing it twice changes nothing."""
    notice = queries.notice(request.actor, pk)  # type: ignore[attr-defined]
    actions.mark_read([notice.pk], actor=request.actor)  # type: ignore[attr-defined]
    return go(request, address_of(notice))


@door("messages.view")
def read(request: HttpRequest) -> HttpResponse:
    """Mark the chosen notices as read, or all when none is chosen."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    chosen = [int(raw) for raw in request.POST.getlist("pick") if raw.isdecimal() and len(raw) < 19]
    actions.mark_read(chosen or None, actor=request.actor)  # type: ignore[attr-defined]
    return go(request, reverse("notices"))


@door("messages.view")
def email(request: HttpRequest) -> HttpResponse:
    """Switch e-mails on or off."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    chosen = actions.choose_email(bool(request.POST.get("by_email")), actor=request.actor)  # type: ignore[attr-defined]
    return go(request, reverse("notices"), _("Notices come by e-mail too.") if chosen.by_email else _("No more e-mails."))


routes = [
    path("notices/", NoticeList.as_view(), name="notices"),
    path("notices/<int:pk>/", open_notice, name="notice"),
    path("notices/read", read, name="notices_read"),
    path("notices/email", email, name="notices_email"),
]
