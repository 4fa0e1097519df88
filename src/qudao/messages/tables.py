"""The list of notices."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from qudao.base.html.tables import Column, Tab, Table
from qudao.messages import queries
from qudao.messages.models import Notice


def said(row: Notice) -> Any:
    """The sentence, leading to what it is about; what was read is dim."""
    return format_html('<a href="{}" class="{}">{}</a>', reverse("notice", args=[row.pk]), "dim" if row.read_at else "", queries.sentence(row))


class NoticeTable(Table):
    """The own notices, newest first."""

    columns = (
        Column("", _("What happened"), cell=said),
        Column("created_at", _("When"), cell="age", dim=True, sort="created_at"),
    )
    tabs = (Tab("unread", _("Unread"), Q(read_at=None)), Tab("all", _("All")))
    search = ("number__icontains",)
    order = ("-pk",)
    empty = _("Nothing new.")

    def url(self, row: Notice) -> str:
        return reverse("notice", args=[row.pk])
