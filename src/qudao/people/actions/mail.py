"""Mails with a link that works once.

They are jobs, not notices: the secret part is made when the mail is sent, so it is stored nowhere, and asking for a mail takes the same
time whether the address is known or not.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation
from procrastinate.contrib.django import app

from qudao.people.models import User


def later(name: str, **args: Any) -> None:
    """Write the job that sends a mail (`jobs`) in the transaction under way."""
    app.configure_task(name=name).defer(**args)


def send_link(user: User, template: str, path: str, site: str, context: dict[str, Any]) -> None:
    """Send `template`.subject.txt and .txt to a person, in the person's language.

    `site` ("https://host") is where the request came in; the configured address wins over it.
    """
    link = (settings.BASE_URL or site).rstrip("/") + path
    with translation.override(user.language):
        told = {**context, "user": user, "link": link, "language": user.language}
        subject = " ".join(render_to_string(f"{template}.subject.txt", told).split())
        text = render_to_string(f"{template}.txt", told)
    send_mail(subject, text, None, [user.email])
