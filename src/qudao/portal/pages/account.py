"""The account with one other organisation: from the balance to what is open to the document, the statement of any time, and the next payment."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from qudao.base import sheets
from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import door
from qudao.base.html.tables import by_language
from qudao.funds.pages import meter_of
from qudao.kernel import clock
from qudao.kernel.money import ZERO
from qudao.kernel.period import DateSpan, month_of, month_span
from qudao.ledger.prints import span_of
from qudao.ledger.queries import AgeingRow, Statement
from qudao.ledger.states import KINDS, Bucket, Side
from qudao.payments.queries import taxes
from qudao.portal.queries.account import Whose, aged, credit_with, open_with, statement, waiting_payments, whose

#: subject of a line of the books → the page of the document
DOCUMENTS = {"billing.invoice": "invoice", "payments.payment": "payment"}


def url_of(kind: str, pk: int) -> str:
    """The page of a document; "" for what has none."""
    return reverse(DOCUMENTS[kind], args=[pk]) if kind in DOCUMENTS else ""


def lines_of(found: Statement) -> list[dict[str, Any]]:
    """The lines of a statement as the page shows them: what is charged left, what is paid right."""
    return [
        {
            "date": line.date,
            "kind": KINDS.get(line.kind, line.kind),
            "number": line.number,
            "url": url_of(line.subject_kind, line.subject_id),
            "up": line.amount if line.amount > 0 else None,
            "down": -line.amount if line.amount < 0 else None,
            "balance": line.balance,
        }
        for line in found.lines
    ]


def buckets_of(row: AgeingRow | None) -> list[dict[str, Any]]:
    """The ageing as bars: each bucket's label, amount, tone, and its height as a share of the largest."""
    amounts = [(bucket, row.buckets[bucket] if row else ZERO) for bucket in Bucket]
    most = max((amount for _bucket, amount in amounts), default=ZERO) or Decimal(1)
    bars = [(bucket, amount, amount / most * 100) for bucket, amount in amounts]
    return [{"label": b.label, "amount": amount, "late": b != Bucket.NOT_DUE, "tall": f"{part:.1f}", "top": f"{100 - part:.1f}"} for b, amount, part in bars]


def _months(span: DateSpan, today: date) -> dict[str, Any]:
    """The month before and the month after the time shown."""
    before = month_span(month_of(span.start - timedelta(days=1)))
    end = span.end or today
    after = month_span(month_of(end + timedelta(days=1)))
    return {"before": before, "after": after if after.start <= today else None}


@door("ledger.view")
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """Balance, credit by bucket, what is open by age, payments that wait, the statement with its tax by rate. Ten statements, however long the history."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = whose(actor, pk, request.GET.get("side", ""), request.GET.get("currency", "")[:3].upper())
    today = clock.today()
    span = span_of(request.GET.get("since", ""), request.GET.get("until", ""))
    row, items, told = aged(actor, found, today), open_with(actor, found), statement(actor, found, span)
    card = credit_with(actor, found)
    coming = [item for item in items if item.due_on >= today]
    late = [item for item in items if item.due_on < today]
    chosen = {item.pk for item in late or items[:1]}
    context = {
        "title": by_language(found.other.name, found.other.name_en),
        "back": reverse("accounts"),
        "whose": found,
        "today": today,
        "tabs": [{"label": Side(one).label, "url": f"?{urlencode({'side': one})}", "on": one == found.side} for one in found.sides],
        "row": row,
        "overdue": row.overdue if row else ZERO,
        "late": late,
        "coming": coming[0] if coming else None,
        "buckets": buckets_of(row),
        "items": [_item(item, today, item.pk in chosen) for item in items],
        "waiting": [_waiting(actor, payment) for payment in waiting_payments(actor, found)],
        "card": card,
        "meter": meter_of(card, reader=actor.org_id) if card else None,
        "span": span,
        "months": _months(span, today),
        "statement": told,
        "lines": lines_of(told),
        "taxes": [one for one in taxes(actor, found.side, span, found.other.pk) if one.currency == found.currency],
        "ups": sum((line.amount for line in told.lines if line.amount > 0), ZERO),
        "downs": sum((-line.amount for line in told.lines if line.amount < 0), ZERO),
        "query": urlencode({"side": found.side, "currency": found.currency, "since": span.start, "until": span.end or today}),
        "pay": _pay(actor, found),
    }
    return render(request, "portal/account.html", context)


def _item(item: Any, today: date, chosen: bool) -> dict[str, Any]:
    """An open item with how late it is, or how much time is left."""
    days = (today - item.due_on).days
    url = url_of(item.subject_kind, item.subject_id)
    return {"row": item, "url": url, "late": max(days, 0), "left": max(-days, 0), "chosen": chosen}


def _waiting(actor: Actor, payment: Any) -> dict[str, Any]:
    """A payment that waits, and where to bring it on."""
    apply = payment.applied < payment.amount and payment.state != "announced" and payment.seller_id == actor.org_id and actor.can("payments.apply")
    return {"row": payment, "left": payment.left, "apply": reverse("payment_applications", args=[payment.pk]) if apply else ""}


def _pay(actor: Actor, found: Whose) -> dict[str, Any] | None:
    """How the next payment comes into the books: recorded by the seller, announced by the buyer."""
    verb, name = ("payments.record", "payment_new") if found.selling else ("payments.announce", "payment_announcement")
    return {"url": reverse(name), "label": _("Record a payment") if found.selling else _("Announce a payment")} if actor.can(verb) else None


@door("ledger.view")
def account_sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """The statement as a sheet: the same lines, opening and closing as the page."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = whose(actor, pk, request.GET.get("side", ""), request.GET.get("currency", "")[:3].upper())
    span = span_of(request.GET.get("since", ""), request.GET.get("until", ""))
    told = statement(actor, found, span)
    heads = [_("Date"), _("What"), _("Number"), pgettext("statement", "Charged"), pgettext("statement", "Paid"), f"{_('Balance')} ({found.currency})"]
    lines: list[tuple] = [(span.start, _("Opening balance"), "", None, None, told.opening)]
    lines += [(x["date"], str(x["kind"]), x["number"], x["up"], x["down"], x["balance"]) for x in lines_of(told)]
    lines.append((span.end, _("Closing balance"), "", None, None, told.closing))
    mark = sheets.mark_for(actor)
    sheets.log_export(_("Statement of account"), len(told.lines), mark, actor=actor)
    name = mark.named(f"{_('Statement of account')} {found.other.code} {figures.day(span.start)} {figures.day(span.end)}")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.xlsx"}
    return HttpResponse(sheets.write_xlsx(heads, lines, mark), content_type=sheets.XLSX, headers=headers)


routes = [
    path("accounts/<int:pk>/", account, name="account"),
    path("accounts/<int:pk>/statement.xlsx", account_sheet, name="account_sheet"),
]
