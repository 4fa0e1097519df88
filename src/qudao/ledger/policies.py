"""Who sees books: only the organisation that keeps them, and who sees the whole install."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, Policy, Scope, own, register
from qudao.ledger.models import Balance, ChartAccount, Entry, EntryLine, Mapping, OpenItem, Period, Reminder

VERBS = {
    "ledger.view": _("See the own books: entries, balances, open items, ageing, statements"),
    "ledger.lock_period": _("Lock a month"),
    "ledger.remind": _("Remind who is late with paying"),
    "ledger.edit_chart": _("Change the own chart of accounts and what goes where"),
    "ledger.unlock_period": _("Open a locked month again"),
}
#: whoever sees own work only has none of these
WHOLE = VERBS


def own_books(actor: Actor) -> Q:
    """The rows of the actor's own organisation; a branch gives no right to the books of those below."""
    return Q() if actor.scope == Scope.ALL else own(actor, "org")


class BookPolicy(Policy):
    """The policy of every table of the ledger."""

    view_verb = "ledger.view"

    def rows(self, actor: Actor, verb: str) -> Q:
        return own_books(actor) if verb == self.view_verb else own(actor, "org")


@register
class EntryPolicy(BookPolicy):
    model = Entry


@register
class EntryLinePolicy(BookPolicy):
    model = EntryLine


@register
class BalancePolicy(BookPolicy):
    model = Balance


@register
class OpenItemPolicy(BookPolicy):
    model = OpenItem


@register
class PeriodPolicy(BookPolicy):
    model = Period
    people = None


@register
class ChartAccountPolicy(BookPolicy):
    model = ChartAccount
    people = None


@register
class MappingPolicy(BookPolicy):
    model = Mapping
    people = None


@register
class ReminderPolicy(BookPolicy):
    model = Reminder
    people = None
