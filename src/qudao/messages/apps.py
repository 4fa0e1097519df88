"""Django's registration of the module. Its label differs from its name, because django.contrib.messages has the short one."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessagesConfig(AppConfig):
    name = "qudao.messages"
    label = "qudao_messages"
    verbose_name = _("Messages")
