"""Levels of the price system, verdicts of its explanation, and the sentences of this module."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Level(TextChoices):
    """Where a price comes from; the first level with a price wins (domain C6)."""

    SPECIAL = "special", _("Special price")
    LIST = "list", _("Price list of the agreement")
    GROUP = "group", _("Price list of a group")
    REGION = "region", _("Price list of a region or channel")
    BASE = "base", _("Base list")


#: The smaller number wins.
RANK = {Level.SPECIAL: 1, Level.LIST: 2, Level.GROUP: 3, Level.REGION: 4, Level.BASE: 5}
BY_RANK = {rank: level.value for level, rank in RANK.items()}


class Verdict(TextChoices):
    """Why a candidate became the price, or did not."""

    CHOSEN = "chosen", _("This is the price")
    LOWER_LEVEL = "lower_level", _("A price of a higher level exists")
    LOWER_PRIORITY = "lower_priority", _("A list of higher priority has a price")
    SMALLER_BREAK = "smaller_break", _("A larger quantity break is reached")
    BREAK_NOT_REACHED = "break_not_reached", _("The quantity does not reach this break")
    OLDER = "older", _("A newer price exists")


class Source(TextChoices):
    """Who granted a special price."""

    MANUAL = "manual", _("By hand")
    IMPORT = "import", _("From a file")
    DEAL = "deal", _("From a registered deal")


class ChangeState(TextChoices):
    """What is kept of a change of prices; whether what is released is scheduled, effective or superseded is what its prices say today (domain C6)."""

    DRAFT = "draft", _("Draft")
    RELEASED = "released", pgettext_lazy("prices", "Released")
    DROPPED = "dropped", _("Dropped")
    RECALLED = "recalled", pgettext_lazy("prices", "Taken back")


#: how a change stands today, in words
STANDING = {
    "draft": _("Draft"),
    "waiting": _("Waiting for a signature"),
    "scheduled": _("Scheduled"),
    "effective": pgettext_lazy("prices", "In force"),
    "superseded": pgettext_lazy("prices", "Superseded"),
    "dropped": _("Dropped"),
    "recalled": pgettext_lazy("prices", "Taken back"),
}
#: the most prices of one change
MOST_LINES = 5_000

#: what was done with a change, by the state after it
DONE = {
    ChangeState.DRAFT: _("drafted it"),
    ChangeState.RELEASED: _("released it"),
    ChangeState.DROPPED: _("gave it up"),
    ChangeState.RECALLED: _("took it back"),
}

SENTENCES = {
    "pricing.change_title_missing": _("Say what the change is about."),
    "pricing.change_over": _("The change {number} is not a draft any more."),
    "pricing.change_waits": _("The change {number} waits for a signature."),
    "pricing.change_empty": _("The change has no price yet."),
    "pricing.change_begun": _("The day of the change {number} has come."),
    "pricing.change_not_released": _("The change {number} is not released."),
    "pricing.change_built_on": _("Prices of {products} were changed after the change {number}."),
    "pricing.change_old": _("The change {number} was released before what stood there was kept with it."),
    "pricing.change_all_new": _("The change {number} took the place of no price."),
    "pricing.change_long": _("A change has at most {most} prices."),
    "pricing.change_past": _("The first day lies in the past."),
    "pricing.change_line": _("Row {row}: {text}"),
    "pricing.change_unreadable": _("Row {row}: write a product code, a price and, if you like, the quantity from which it counts."),
    "pricing.change_nothing": _("No price of the list fits."),
    "pricing.change_percent": _("By how many per cent prices change lies between -99 and 1000, and is not 0."),
    "pricing.needs_change": _("Changes of prices like this one need a signature."),
    "pricing.code_missing": _("A price list needs a code."),
    "pricing.name_missing": _("A price list needs a name."),
    "pricing.code_taken": _("Another price list has the code {code}."),
    "pricing.currency_wrong": _("The currency is a code of three letters."),
    "pricing.base_exists": _("{list} already is the base list in {currency}."),
    "pricing.amount_wrong": _("A price must be greater than zero."),
    "pricing.min_qty_wrong": _("A quantity break must not be negative."),
    "pricing.span_wrong": _("The last day lies before the first day."),
    "pricing.list_unknown": _("Your organisation has no price list with this code."),
    "pricing.product_unknown": _("There is no such product in the catalogue of the seller."),
    "pricing.twice": _("The same product and quantity break appear more than once."),
    "pricing.planned_in_between": _("Another price of this product begins on {valid_from}, within the same time."),
    "pricing.ended": _("This price has already ended."),
    "pricing.end_too_late": _("The price ends on {valid_to} already."),
    "pricing.list_foreign": _("The list {list} does not belong to the seller of the agreement."),
    "pricing.rate_missing": _("There is no exchange rate from {source} to {target} for {day}."),
    "pricing.rate_same": _("A rate leads from one currency to another."),
    "pricing.rate_wrong": _("A rate is greater than zero and has at most six decimals."),
    "pricing.rate_twice": _("The same currencies and day appear more than once."),
    "pricing.level_unclear": _("Name either a group of buyers, or a region, an area or a channel."),
    "pricing.group_unknown": _("Your organisation keeps no such group of buyers."),
    "pricing.agreement_ended": _("The agreement {agreement} has ended."),
    "pricing.not_assigned": _("The list {list} is not assigned to this agreement."),
    "pricing.list_used": _("The list {list} has prices, or somebody pays by it."),
    "pricing.list_stays": _("Currency and tax of a list stay as they are once it exists."),
    "pricing.agreement_unknown": _("Your organisation sells under no agreement with this code."),
    "pricing.assign_unclear": _("Name either an agreement, a group of buyers, or a region, an area or a channel."),
    "pricing.reason_missing": _("Please give a reason."),
    "pricing.source_wrong": _("The source of a special price is unknown."),
}

#: what people are told by a notice
NOTICES = {
    "pricing.change_recalled": _("{who} took the price change {number} ({title}) back before its day: {reason}"),
}

REMEDIES = {
    "pricing.change_waits": _("Take what you asked for back first."),
    "pricing.change_begun": _("Draft the opposite change: the old prices count again from its day."),
    "pricing.change_built_on": _("Take back what came after it first, or set these prices anew."),
    "pricing.change_old": _("Draft a change with the prices you want."),
    "pricing.change_all_new": _("End its prices in the list."),
    "pricing.needs_change": _("Keep them as the draft of a price change, and release it: it takes effect when it is signed."),
    "pricing.change_past": _("Choose today or a day to come."),
    "pricing.list_stays": _("Make another list."),
    "pricing.base_exists": _("Take the mark off the other list first."),
    "pricing.planned_in_between": _("Give this price a last day before that, or end the planned one."),
    "pricing.rate_missing": _("Enter the rate, or make a list in the currency of the agreement."),
    "pricing.product_unknown": _("Check the product code."),
}
