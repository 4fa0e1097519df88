"""The sentences of this module. The sentences of notices live in the modules that ask for them (`NOTICES` in their states)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "messages.no_person": _("Only a person has notices."),
}
REMEDIES: dict[str, str] = {}

#: what a notice of an unknown code says
UNKNOWN = _("Something happened with {number}.")
