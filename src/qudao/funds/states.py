"""States and buckets of credit, what an entry of an account records, and the sentences of this module's refusals."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class State(TextChoices):
    """What an account lets pass, from good to bad."""

    OK = "ok", pgettext_lazy("credit account", "Good")
    WATCH = "watch", pgettext_lazy("credit account", "Watch")
    HOLD = "hold", pgettext_lazy("credit account", "Orders wait")
    STOP = "stop", pgettext_lazy("credit account", "Stopped")


#: what each state means, in words
MEANS = {
    State.OK: _("Orders and shipments pass."),
    State.WATCH: _("Orders and shipments pass; those who decide are warned."),
    State.HOLD: _("New orders wait or are refused; what is confirmed is shipped."),
    State.STOP: _("No new order passes and nothing is shipped."),
}
TONES = {State.OK: "done", State.WATCH: "wait", State.HOLD: "wrong", State.STOP: "wrong"}


class Bucket(TextChoices):
    """What uses credit, in the order a trade goes through; `unapplied` cash gives credit back."""

    ORDERED = "ordered", _("Confirmed orders")
    SHIPPED = "shipped", _("Shipped, not invoiced")
    INVOICED = "invoiced", _("Invoiced, not paid")
    UNAPPLIED = "unapplied", _("Payments not yet applied")


#: the same under prepaid terms: what is frozen of the buyer's own money, and the balance itself
PREPAID = {
    Bucket.ORDERED: _("Frozen for confirmed orders"),
    Bucket.SHIPPED: _("Frozen for what is shipped, not invoiced"),
    Bucket.INVOICED: _("Frozen for an invoice, paid at once"),
    Bucket.UNAPPLIED: _("Balance"),
}

#: +1 uses credit, -1 gives it back.
WEIGHT: dict[str, int] = {Bucket.ORDERED: 1, Bucket.SHIPPED: 1, Bucket.INVOICED: 1, Bucket.UNAPPLIED: -1}


class EntryKind(TextChoices):
    """Why a bucket changed."""

    HOLD = "hold", _("Held for an order")
    SHIFT = "shift", _("Moved on")
    RELEASE = "release", _("Released")


class RequestState(TextChoices):
    """What became of a request for a limit."""

    REQUESTED = "requested", pgettext_lazy("limit request", "Waits for a decision")
    GRANTED = "granted", pgettext_lazy("limit request", "Granted")
    DECLINED = "declined", pgettext_lazy("limit request", "Declined")
    WITHDRAWN = "withdrawn", pgettext_lazy("limit request", "Withdrawn")


REQUEST_TONES = {RequestState.REQUESTED: "wait", RequestState.GRANTED: "done", RequestState.DECLINED: "wrong", RequestState.WITHDRAWN: "idle"}


class DepositKind(TextChoices):
    """What happened to a deposit."""

    PAID_IN = "paid_in", pgettext_lazy("deposit", "Paid in")
    REFUNDED = "refunded", pgettext_lazy("deposit", "Sent back")
    DEDUCTED = "deducted", pgettext_lazy("deposit", "Deducted for a debt")


SENTENCES = {
    "funds.deposit": _("{short} of the deposit are missing; orders pass when it is paid."),
    "funds.deposit_amount": _("The amount must be more than zero, with at most two decimals."),
    "funds.deposit_held": _("Only {held} of the deposit are held."),
    "funds.deposit_future": _("The day lies in the future."),
    "funds.depositentry_is_append_only": _("What happened to a deposit stays as it was written."),
    "funds.account_deposit_not_negative": _("More would leave the deposit than it holds."),
    "funds.no_account": _("There is no credit account for this agreement."),
    "funds.account_unclear": _("This buyer has several credit accounts."),
    "funds.account_pair_unique": _("The two have a credit account in this currency already."),
    "funds.limit": _("The credit limit of {limit} is exceeded: {exposure} are in use, {available} are free, {short} are missing."),
    "funds.shared_limit": _("The shared limit of {limit} is exceeded: all who share it use {used}, {available} are free, {short} are missing."),
    "funds.sharedlimit_head_unique": _("The head office shares a limit in this currency already."),
    "funds.sharedlimit_limits_fit": _("A limit cannot be less than zero, and a temporary one needs a last day."),
    "funds.account_shares_credit": _("Only credit can be shared: no prepaid account, and none for transfers."),
    "funds.shared_head": _("Name an organisation that buys from you, or stands above those that do."),
    "funds.shared_below": _("{name} is neither the head office nor below it."),
    "funds.shared_none": _("{name} has no credit account in {currency} with you."),
    "funds.shared_other": _("{name} shares another limit already."),
    "funds.shared_gone": _("There is no such shared limit."),
    "funds.prepaid": _("The prepaid balance of {balance} does not do: {frozen} are frozen for orders, {available} are free, {short} are missing."),
    "funds.account_prepaid_no_credit": _("A prepaid account has no credit limit."),
    "funds.account_prepaid_covered": _("More would be frozen than was paid before."),
    "funds.line_limit": _("The limit of {limit} for {line} is exceeded: {used} are in use, {available} are free, {short} are missing."),
    "funds.no_category": _("The seller does not sell this product line."),
    "funds.sublimit_line_unique": _("The account already has a limit for this product line."),
    "funds.sublimit_amount_not_negative": _("A limit cannot be less than zero."),
    "funds.frozen": _("The credit account is stopped."),
    "funds.by_hand_hold": _("The seller lets new orders wait."),
    "funds.over_limit": _("{exposure} are in use, {over} more than the limit of {limit}."),
    "funds.near_limit": _("{percent} % of the limit of {limit} are in use."),
    "funds.late": _("{amount} are overdue, the oldest for {days} days, which is still let pass."),
    "funds.stop_days": _("Nothing can be stopped before orders wait: give {grace_days} days or more, up to 3,650."),
    "funds.watch_percent": _("A share of the limit lies between 1 and 100 %."),
    "funds.by_hand_state": _("By hand an account is put on hold or stopped."),
    "funds.until_past": _("The last day must be today or later."),
    "funds.state_is_append_only": _("What happened to an account stays as it was written."),
    "funds.house_seller_unique": _("The seller has these rules already."),
    "funds.house_values_fit": _("Grace, tolerance and shares lie within their bounds."),
    "funds.account_rules_fit": _("Grace, tolerance and shares lie within their bounds."),
    "funds.account_by_hand_fits": _("Only an account on hold or stopped by hand has a reason and a last day for it."),
    "funds.overdue": _("{amount} are overdue, the oldest for {days} days; {grace_days} days are allowed."),
    "funds.amount": _("{amount} is not an amount of money of zero or more with two decimals."),
    "funds.account_ordered_not_negative": _("More would leave the confirmed orders than they hold."),
    "funds.account_shipped_not_negative": _("More would leave what is shipped than it holds."),
    "funds.account_invoiced_not_negative": _("More would leave what is invoiced than it holds."),
    "funds.account_unapplied_not_negative": _("More would be applied than was paid."),
    "funds.bucket": _("There is no bucket “{bucket}”."),
    "funds.same_bucket": _("An amount cannot move from a bucket into the same bucket."),
    "funds.temp_until_missing": _("A temporary limit needs a last day, today or later."),
    "funds.grace_days": _("The days of grace must lie between 0 and 365."),
    "funds.reason_missing": _("Please give a reason."),
    "funds.already_frozen": _("The credit account is in this state by hand already."),
    "funds.not_frozen": _("The credit account is neither on hold nor stopped by hand."),
    "funds.request_empty": _("Ask for a limit, a temporary limit, or both."),
    "funds.request_waits": _("A request for this account waits for a decision already."),
    "funds.limitrequest_one_open": _("A request for this account waits for a decision already."),
    "funds.limitrequest_two_persons": _("Who asked for a limit does not decide on it."),
    "funds.limitrequest_asks_something": _("Ask for a limit, a temporary limit, or both."),
    "funds.request_own": _("Who asked for a limit does not decide on it."),
    "funds.request_over": _("This request is decided or withdrawn."),
    "funds.request_gone": _("There is no such request."),
    "funds.duty_limit": _("Duties are kept apart here: more credit is asked for by one person and granted by another."),
    "funds.other_currency": _("The account is kept in {currency}."),
}

REMEDIES = {
    "funds.request_waits": _("Withdraw it first to ask for something else."),
    "funds.request_own": _("Ask a colleague who may set limits."),
    "funds.duty_limit": _("Ask for the limit; a colleague grants it."),
    "funds.account_unclear": _("Name the code of an agreement under it."),
    "funds.no_account": _("Activate the agreement, or open the account."),
    "funds.limit": _("Pay open invoices, order less, or ask the seller's finance for a temporary limit."),
    "funds.shared_limit": _("Pay open invoices of any who share it, order less, or ask the seller's finance for a higher limit."),
    "funds.shared_other": _("Take it out of the other one first."),
    "funds.shared_none": _("Activate an agreement in this currency first."),
    "funds.line_limit": _("Pay open invoices, order less of this line, or ask the seller's finance for a higher limit of it."),
    "funds.deposit": _("Pay the missing deposit."),
    "funds.prepaid": _("Pay the missing amount, or order less."),
    "funds.account_prepaid_no_credit": _("Credit takes an agreement with days of payment."),
    "funds.account_prepaid_covered": _("Pay in more first; what is frozen belongs to its orders."),
    "funds.frozen": _("Ask the seller's finance."),
    "funds.by_hand_hold": _("Ask the seller's finance."),
    "funds.overdue": _("Pay the overdue invoices first."),
    "funds.over_limit": _("A payment or a higher limit makes room."),
    "funds.near_limit": _("A payment or a higher limit makes room."),
    "funds.late": _("Pay the overdue invoices before orders wait."),
}

NOTICES = {
    "funds.limit_asked": _("{name} asks for credit for {buyer}: {wanted}. {reason}"),
    "funds.limit_granted": _("Credit for {buyer} at {seller} is granted: {wanted}. {reason}"),
    "funds.limit_declined": _("Credit for {buyer} at {seller} is declined: {reason}"),
    "funds.deposit_paid_in": _("A deposit of {amount} {currency} was received for {buyer}."),
    "funds.deposit_refunded": _("A deposit of {amount} {currency} is sent back to {buyer}: {reason}"),
    "funds.watch": _("Credit of {buyer} at {seller}: watch."),
    "funds.hold": _("Credit of {buyer} at {seller}: new orders wait."),
    "funds.stop": _("Credit of {buyer} at {seller} is stopped: no new order, no shipment."),
    "funds.ok": _("Credit of {buyer} at {seller} is good again."),
}
