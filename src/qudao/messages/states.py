"""Documents one can talk about, topics of notices, and the sentences of this module. Notices of other modules keep their texts there (`NOTICES`)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.approvals.states import PROPOSED

#: first part of a document's address → its kind: the documents that carry a conversation. The module knows them only as subjects.
DOCUMENTS = {
    "orders": "orders.order",
    "shipments": "fulfilment.shipment",
    "invoices": "billing.invoice",
    "payments": "payments.payment",
}
ADDRESSES = {kind: address for address, kind in DOCUMENTS.items()}

#: what a notice can be about whose page is not named after its noun: kind → name of the page
PAGES = {"funds.account": "fund", "billing.collective": "collective_invoice", **dict.fromkeys(PROPOSED, "approval_proposal")}

TEXT_LIMIT = 4000
TITLE_LIMIT = 200
FILES_LIMIT = 6

#: first part of a notice's code → what the notices are about; each can be switched off in the product or by e-mail
TOPICS: dict[str, Any] = {
    "messages": _("Messages and tasks"),
    "orders": _("Orders and approvals"),
    "fulfilment": _("Shipments and receipts"),
    "billing": _("Invoices"),
    "payments": _("Payments"),
    "funds": _("Credit"),
}
OTHER = "other"
TOPIC_LABELS = TOPICS | {OTHER: pgettext_lazy("notices", "Everything else")}

NOTICES = {
    "messages.written": _("{who} about {number}: {text}"),
    "messages.mentioned": _("{who} mentioned you in {number}: {text}"),
    "messages.noted": _("{who} left an internal note in {number}."),
    "messages.assigned": _("{who} gave you a task about {number}: {text}"),
    "messages.finished": _("{who} finished the task about {number}: {text}"),
}

SENTENCES = {
    "messages.no_person": _("Only a person has notices."),
    "messages.nothing_written": _("Write something, or attach a file."),
    "messages.too_long": _("At most {limit} characters."),
    "messages.too_many_files": _("At most {limit} files at once."),
    "messages.title_missing": _("Say what is to be done."),
    "messages.nobody": _("This person cannot see the document."),
    "messages.other_document": _("This message belongs to another document."),
    "messages.task_done": _("This task is done already."),
    "messages.task_open": _("This task is open already."),
    "messages.message_is_append_only": _("What was written stays as it was written."),
    "messages.note_is_append_only": _("What was written stays as it was written."),
    "messages.thread_subject_unique": _("The document already has its conversation."),
}
REMEDIES: dict[str, Any] = {
    "messages.too_long": _("Shorten the text, or attach a file."),
    "messages.nobody": _("Choose somebody of the two sides."),
}

#: what a notice of an unknown code says
UNKNOWN = _("Something happened with {number}.")


def topic_of(code: str) -> str:
    """What a notice is about, by its code."""
    topic = code.partition(".")[0]
    return topic if topic in TOPICS else OTHER
