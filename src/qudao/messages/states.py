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
    "messages.task_due": _("Your task about {number} is due today: {text}"),
    "messages.task_overdue": _("The task of {who} about {number} was due on {due_on} and is still open: {text}"),
}

SUBJECT_LIMIT = 150
WORDING_LIMIT = 1000

#: what may stand between braces in the text of a notice: name → (what it means, an example of it)
PLACEHOLDERS: dict[str, tuple[Any, str]] = {
    "address": (_("address"), "浙江省杭州市文三路 1 号"),
    "agreement": (_("code of the agreement"), "A-2026-01"),
    "amount": (_("amount"), "12500.00"),
    "buyer": (_("buyer"), "湖畔数码"),
    "carrier": (_("carrier"), "SF"),
    "changes": (_("what was changed"), "HL-100 10 → 12"),
    "count": (_("how many"), "3"),
    "currency": (_("currency"), "CNY"),
    "day": (_("day"), "2026-12-01"),
    "days": (_("how many days"), "30"),
    "documents": (_("how many documents"), "2"),
    "due_on": (_("due day"), "2026-12-01"),
    "first_day": (_("first day"), "2026-12-01"),
    "gross": (_("amount with tax"), "14125.00"),
    "hours": (_("how many hours"), "24"),
    "invoice": (_("number of the invoice"), "INV-000123"),
    "last_day": (_("last day"), "2026-12-07"),
    "lines": (_("how many lines"), "4"),
    "name": (_("name"), "湖畔数码"),
    "new": (_("number of the new document"), "SO-000124"),
    "number": (_("number of the document"), "SO-000123"),
    "parts": (_("how many parts"), "3"),
    "place": (_("warehouse"), "WH-1"),
    "reason": (_("reason"), "…"),
    "reference": (_("reference"), "20261201-7"),
    "seller": (_("seller"), "蓝禾科技"),
    "text": (_("what was written"), "…"),
    "title": (_("what it is about"), "秋季调价"),
    "tracking": (_("tracking number"), "SF1234567890"),
    "wanted": (_("what was asked for"), "50000.00 CNY"),
    "who": (_("person"), "王芳"),
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
    "messages.notice_unknown": _("There is no such notice."),
    "messages.wording_missing": _("Write what the notice says."),
    "messages.wording_unknown": _("This notice has no {names}; between braces can stand: {known}."),
    "messages.wording_brace": _("Braces stand only around the name of a placeholder, as in {example}."),
}
REMEDIES: dict[str, Any] = {
    "messages.too_long": _("Shorten the text, or attach a file."),
    "messages.nobody": _("Choose somebody of the two sides."),
    "messages.wording_missing": _("Go back to the standard text if you want no own one."),
}

#: what a notice of an unknown code says
UNKNOWN = _("Something happened with {number}.")


def topic_of(code: str) -> str:
    """What a notice is about, by its code."""
    topic = code.partition(".")[0]
    return topic if topic in TOPICS else OTHER
