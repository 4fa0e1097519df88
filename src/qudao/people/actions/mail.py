"""Mails with a link that works once. They do not go through notices: the secret must not be stored anywhere in the clear."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from qudao.people.models import User


def send_link(user: User, template: str, path: str, site: str, context: dict[str, Any]) -> None:
    """Send `template`.subject.txt and .txt to a person, in the person's language, once the transaction is committed.

    `site` ("https://host") is where the request came in; the configured address wins over it.
    """
    link = (settings.BASE_URL or site).rstrip("/") + path
    with translation.override(user.language):
        told = {**context, "user": user, "link": link, "language": user.language}
        subject = " ".join(render_to_string(f"{template}.subject.txt", told).split())
        text = render_to_string(f"{template}.txt", told)
    # A mail server that is down must not undo the invitation: it can be sent again.
    transaction.on_commit(partial(send_mail, subject, text, None, [user.email]), robust=True)
