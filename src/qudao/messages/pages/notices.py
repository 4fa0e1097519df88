"""Pages of notices: the inbox, the way to what a notice is about, marking as read and taking that back, what one wants to be told of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from qudao.base.html.pages import Button, FormPage, ListPage, door, go
from qudao.messages import actions, queries
from qudao.messages.forms import TopicsForm
from qudao.messages.models import Notice
from qudao.messages.pages.talk import REGION
from qudao.messages.states import PAGES
from qudao.messages.tables import NoticeTable


class NoticeList(ListPage):
    """The own notices."""

    verb = "messages.view"
    query = queries.notices
    table = NoticeTable
    title = gettext_lazy("Notices")
    template = "messages/inbox.html"

    def buttons(self) -> Sequence[Button]:
        wants = queries.wants_email(self.actor)
        switch = _("Stop e-mails") if wants else _("Send me e-mails too")
        return [
            Button(_("What to tell me"), reverse("notices_topics"), icon="settings"),
            Button(switch, reverse("notices_email"), icon="mail", post=True, fields={"by_email": "" if wants else "1"}),
            Button(_("Texts of notices"), reverse("notice_texts"), icon="pencil", verb="messages.edit_texts"),
            Button(_("Mark all as read"), reverse("notices_read"), icon="checks", post=True),
        ]

    def bulk(self) -> Sequence[Button]:
        return [Button(_("Mark as read"), reverse("notices_read"), icon="check", post=True)]


def _moment(text: str) -> datetime | None:
    """A moment as the address carries it; None when it is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def address_of(notice: Notice) -> str:
    """The page of what a notice is about: by habit a document's address is named after its noun ("orders.order" → "order"); else the list.
    What was written leads to the conversation.
    """
    try:
        found = reverse(PAGES.get(notice.subject_kind) or notice.subject_kind.rpartition(".")[2], args=[notice.subject_id])
    except NoReverseMatch:
        return reverse("notices")
    return f"{found}#{REGION}" if notice.code.startswith("messages.") else found


@door("messages.view")
def open_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """Go to what the notice is about; having been there, it is read. Doing it twice changes nothing."""
    notice = queries.notice(request.actor, pk)  # type: ignore[attr-defined]
    actions.mark_read([notice.pk], actor=request.actor)  # type: ignore[attr-defined]
    return go(request, address_of(notice))


@door("messages.view")
def read(request: HttpRequest) -> HttpResponse:
    """Mark the chosen notices as read, or all when none is chosen; the toast takes it back."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    chosen = [int(raw) for raw in request.POST.getlist("pick") if raw.isdecimal() and len(raw) < 19]
    at = actions.mark_read(chosen or None, actor=request.actor)  # type: ignore[attr-defined]
    undo = Button(_("Undo"), reverse("notices_unread"), post=True, fields={"at": at.isoformat()})
    return go(request, reverse("notices"), _("Marked as read."), undo=undo)


@door("messages.view")
def unread(request: HttpRequest) -> HttpResponse:
    """Take a marking back."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    at = _moment(request.POST.get("at", ""))
    number = actions.unmark_read(at, actor=request.actor) if at else 0  # type: ignore[attr-defined]
    return go(request, reverse("notices"), ngettext("{n} notice is unread again.", "{n} notices are unread again.", number).format(n=number))


@door("messages.view")
def email(request: HttpRequest) -> HttpResponse:
    """Switch e-mails on or off."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    chosen = actions.choose_email(bool(request.POST.get("by_email")), actor=request.actor)  # type: ignore[attr-defined]
    return go(request, reverse("notices"), _("Notices come by e-mail too.") if chosen.by_email else _("No more e-mails."))


class Topics(FormPage):
    """What a person wants to be told of, in the product and by e-mail."""

    verb = "messages.view"
    form = TopicsForm
    template = "messages/topics.html"
    title = gettext_lazy("What to tell me")
    said = gettext_lazy("Saved.")
    above = "notices"

    def initial(self, obj: Any) -> dict[str, Any]:
        wishes = queries.preferences(self.actor)
        return {
            "daily": queries.wants_digest(self.actor),
            "shown": [t for t, (shown, _mailed) in wishes.items() if shown],
            "mailed": [t for t, (_shown, mailed) in wishes.items() if mailed],
        }

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.choose_topics(cleaned["shown"], cleaned["mailed"], cleaned["daily"], actor=self.actor)
