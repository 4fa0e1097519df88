"""The statement of an account on paper: every document and payment with the balance after it, what is due, and a slip to confirm the balance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from qudao.base import printing
from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.printing import Column, Document, Paper
from qudao.kernel import clock
from qudao.kernel.errors import NotFound
from qudao.kernel.money import ZERO
from qudao.kernel.period import DateSpan, month_of
from qudao.ledger import queries
from qudao.ledger.states import KINDS, Bucket, Side


def statements(actor: Actor, ids: Sequence[int], **asked: str) -> list[Paper]:
    """Statements of the own books with organisations; `asked` may say `OPTIONS`. By default what they owe, in yuan, of this month and the two before.

    Three statements each. NotFound for an organisation one has no account with: its name is told to nobody else.
    """
    side = asked.get("side", "")
    side = side if side in Side.values else Side.RECEIVABLE.value
    currency, span = (asked.get("currency") or "CNY")[:3].upper(), span_of(asked.get("since", ""), asked.get("until", ""))
    if not all(queries.trades_with(actor, actor.org_id, one) for one in ids):
        raise NotFound("base.not_found")
    orgs = queries.unscoped_parties([actor.org_id, *ids])
    return [_paper(actor, queries.PartyAccount(actor.org_id, one, side, currency), span, orgs) for one in ids]


def span_of(since: str, until: str) -> DateSpan:
    """The days asked for in an address; this month and the two before it by default."""
    on = clock.today()
    start, end = _day(since) or month_of(month_of(on) - timedelta(days=45)), _day(until) or on
    return DateSpan(min(start, end), end)


def _day(raw: str) -> date | None:
    try:
        return parse_date(raw)
    except ValueError:
        return None


def _paper(actor: Actor, account: queries.PartyAccount, span: DateSpan, orgs: dict[int, Any]) -> Paper:
    found = queries.statement(actor, account, span)
    end = span.end or span.start
    aged = queries.ageing_of(actor, account, clock.today())
    own, other = orgs[account.org_id], orgs[account.counterparty_id]
    rows = [[printing.full_day(span.start), pgettext("statement", "Balance before"), "", "", "", figures.amount(found.opening)]]
    more, less = ZERO, ZERO
    for line in found.lines:
        up, down = (line.amount, ZERO) if line.amount > 0 else (ZERO, -line.amount)
        more, less = more + up, less + down
        amounts = [figures.amount(up) if up else "", figures.amount(down) if down else "", figures.amount(line.balance)]
        rows.append([printing.full_day(line.date), str(KINDS.get(line.kind, line.kind)), line.number, *amounts])
    receivable = account.side == Side.RECEIVABLE
    due = [(str(bucket.label), figures.money(aged.buckets[bucket], account.currency)) for bucket in Bucket if aged.buckets[bucket]] if aged else []
    return Paper(
        title=_("Statement of account"),
        number=other.code,
        on=end,
        sender=printing.party(own),
        receiver=printing.party(other),
        receiver_label=_("Buyer") if receivable else _("Seller"),
        facts=[
            (pgettext("time", "From"), printing.full_day(span.start)),
            (pgettext("time", "To"), printing.full_day(end)),
            (_("Currency"), account.currency),
            *([(_("Open today, by days past due"), " "), *due] if due else []),
        ],
        columns=[
            *(Column(_("Date")), Column(_("What")), Column(_("Number"), wide=True)),
            *(Column(pgettext("statement", "Charged"), "right"), Column(pgettext("statement", "Paid"), "right"), Column(_("Balance"), "right")),
        ],
        rows=rows,
        totals=[(_("Charged in this time"), figures.money(more, account.currency)), (_("Paid in this time"), figures.money(less, account.currency))],
        total=(_("Balance on {day}").format(day=printing.full_day(end)), figures.money(found.closing, account.currency)),
        notes=[_("Please tell us within 14 days if your books differ.")],
        signatures=[_("We confirm this balance: name, date, stamp"), _("Our books differ, because")],
        foot=printing.foot(own),
    )


OPTIONS = ("side", "currency", "since", "until")
STATEMENT = Document(
    "ledger.statement", gettext_lazy("Statement of account"), "ledger.account", "ledger.view", "accounts", statements, options=OPTIONS, report=True
)
DOCUMENTS = (STATEMENT,)
