"""Accounts, sides and periods of the books, the buckets of ageing, and the sentences of this module's refusals."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Account(TextChoices):
    """What a line of an entry changes. Amounts are signed: debit more than zero, credit less."""

    RECEIVABLE = "receivable", _("Receivable")
    PAYABLE = "payable", _("Payable")
    REVENUE = "revenue", _("Revenue")
    PURCHASES = "purchases", _("Purchases")
    OUTPUT_TAX = "output_tax", _("Output tax")
    INPUT_TAX = "input_tax", _("Input tax")
    BANK = "bank", _("Bank")
    UNAPPLIED_IN = "unapplied_in", _("Payments received, not yet applied")
    UNAPPLIED_OUT = "unapplied_out", _("Payments made, not yet applied")
    DISCOUNT = "discount", _("Cash discount")
    WRITE_OFF = "write_off", _("Small differences written off")
    OPENING = "opening", _("Opening balance")
    DEPOSIT_IN = "deposit_in", _("Deposits received")
    DEPOSIT_OUT = "deposit_out", _("Deposits paid")


#: The account in the other organisation's books that always holds the opposite amount.
MIRROR: dict[str, str] = {Account.RECEIVABLE: Account.PAYABLE, Account.UNAPPLIED_IN: Account.UNAPPLIED_OUT, Account.DEPOSIT_IN: Account.DEPOSIT_OUT}


#: what is posted by the product's category, and what by the tax rate; so rules of what goes where may name them
BY_CATEGORY = (Account.REVENUE, Account.PURCHASES)
BY_RATE = (*BY_CATEGORY, Account.OUTPUT_TAX, Account.INPUT_TAX)


class Kind(TextChoices):
    """What an account of a chart stands for."""

    ASSET = "asset", _("Asset")
    LIABILITY = "liability", _("Liability")
    EQUITY = "equity", _("Equity")
    INCOME = "income", _("Income")
    EXPENSE = "expense", _("Expense")


class Template(TextChoices):
    """Charts that an organisation can begin with."""

    CHINA = "china", _("China: standard for small businesses")
    PLAIN = "plain", _("International: short")


#: template → (code, name, English name, kind, what of our accounts is posted there)
CHARTS: dict[str, tuple[tuple[str, str, str, str, tuple[str, ...]], ...]] = {
    Template.CHINA: (
        ("1001", "库存现金", "Cash on hand", Kind.ASSET, ()),
        ("1002", "银行存款", "Cash at bank", Kind.ASSET, (Account.BANK,)),
        ("1122", "应收账款", "Trade receivables", Kind.ASSET, (Account.RECEIVABLE,)),
        ("1123", "预付账款", "Advances to suppliers", Kind.ASSET, (Account.UNAPPLIED_OUT,)),
        ("1221", "其他应收款", "Other receivables", Kind.ASSET, (Account.DEPOSIT_OUT,)),
        ("1405", "库存商品", "Goods in stock", Kind.ASSET, (Account.PURCHASES,)),
        ("2202", "应付账款", "Trade payables", Kind.LIABILITY, (Account.PAYABLE,)),
        ("2203", "预收账款", "Advances from customers", Kind.LIABILITY, (Account.UNAPPLIED_IN,)),
        ("22210101", "应交增值税（进项税额）", "VAT, input tax", Kind.LIABILITY, (Account.INPUT_TAX,)),
        ("22210106", "应交增值税（销项税额）", "VAT, output tax", Kind.LIABILITY, (Account.OUTPUT_TAX,)),
        ("2241", "其他应付款", "Other payables", Kind.LIABILITY, (Account.DEPOSIT_IN,)),
        ("3001", "实收资本", "Paid-in capital", Kind.EQUITY, ()),
        ("3104", "利润分配", "Retained earnings", Kind.EQUITY, (Account.OPENING,)),
        ("5001", "主营业务收入", "Sales", Kind.INCOME, (Account.REVENUE,)),
        ("5401", "主营业务成本", "Cost of sales", Kind.EXPENSE, ()),
        ("5603", "财务费用", "Finance costs", Kind.EXPENSE, (Account.DISCOUNT,)),
        ("5711", "营业外支出", "Other expenses", Kind.EXPENSE, (Account.WRITE_OFF,)),
    ),
    Template.PLAIN: (
        ("1000", "银行", "Bank", Kind.ASSET, (Account.BANK,)),
        ("1100", "应收账款", "Trade receivables", Kind.ASSET, (Account.RECEIVABLE,)),
        ("1200", "预付供应商款", "Advances to suppliers", Kind.ASSET, (Account.UNAPPLIED_OUT,)),
        ("1250", "存出保证金", "Deposits paid", Kind.ASSET, (Account.DEPOSIT_OUT,)),
        ("1300", "进项税", "Input tax", Kind.ASSET, (Account.INPUT_TAX,)),
        ("2000", "应付账款", "Trade payables", Kind.LIABILITY, (Account.PAYABLE,)),
        ("2100", "预收客户款", "Advances from customers", Kind.LIABILITY, (Account.UNAPPLIED_IN,)),
        ("2150", "存入保证金", "Deposits received", Kind.LIABILITY, (Account.DEPOSIT_IN,)),
        ("2300", "销项税", "Output tax", Kind.LIABILITY, (Account.OUTPUT_TAX,)),
        ("3000", "资本", "Capital", Kind.EQUITY, ()),
        ("3900", "期初余额", "Opening balances", Kind.EQUITY, (Account.OPENING,)),
        ("4000", "销售收入", "Sales", Kind.INCOME, (Account.REVENUE,)),
        ("5000", "采购", "Purchases", Kind.EXPENSE, (Account.PURCHASES,)),
        ("6000", "现金折扣", "Cash discount", Kind.EXPENSE, (Account.DISCOUNT,)),
        ("6900", "小额差异", "Small differences", Kind.EXPENSE, (Account.WRITE_OFF,)),
    ),
}


class Side(TextChoices):
    """Whose open item it is: the seller's claim, or the buyer's debt for the same document."""

    RECEIVABLE = "receivable", _("Receivable")
    PAYABLE = "payable", _("Payable")


#: Which accounts make up the account of one counterparty, by side. Applying a payment moves between the two and changes nothing.
SIDE_ACCOUNTS: dict[str, tuple[str, str]] = {
    Side.RECEIVABLE: (Account.RECEIVABLE, Account.UNAPPLIED_IN),
    Side.PAYABLE: (Account.PAYABLE, Account.UNAPPLIED_OUT),
}


class PeriodState(TextChoices):
    """A month of one organisation's books; without a row it is open."""

    OPEN = "open", _("Open")
    LOCKED = "locked", _("Locked")


class Bucket(TextChoices):
    """Days past the due date (domain C28)."""

    NOT_DUE = "not_due", _("Not due")
    DAYS_30 = "days_30", _("1–30 days")
    DAYS_60 = "days_60", _("31–60 days")
    DAYS_90 = "days_90", _("61–90 days")
    DAYS_180 = "days_180", _("91–180 days")
    OLDER = "older", _("Over 180 days")


#: bucket → (first, last) day past due; None = no end.
BUCKET_DAYS: dict[str, tuple[int | None, int | None]] = {
    Bucket.NOT_DUE: (None, 0),
    Bucket.DAYS_30: (1, 30),
    Bucket.DAYS_60: (31, 60),
    Bucket.DAYS_90: (61, 90),
    Bucket.DAYS_180: (91, 180),
    Bucket.OLDER: (181, None),
}

#: what a line of a statement was posted for
KINDS = {
    "invoice": _("Invoice"),
    "credit_note": _("Credit note"),
    "payment": _("Payment"),
    "application": _("Payment applied"),
    "reversal": _("Reversal"),
    "write_off": _("Small difference"),
    "refund": _("Refund"),
    "opening": _("Opening balance"),
    "deposit": _("Deposit"),
}

SENTENCES = {
    "ledger.unbalanced": _("The entry does not balance: debit and credit differ by {difference}."),
    "ledger.entryline_entry_balanced": _("The entry does not balance."),
    "ledger.entry_period_open": _("The month is locked: nothing more can be posted into it."),
    "ledger.chart_used": _("Postings go to the account {account}."),
    "ledger.empty_entry": _("An entry needs at least two lines, none of them zero."),
    "ledger.same_source": _("Two entries of one organisation name the same source."),
    "ledger.amount": _("{amount} is not an amount of money with two decimals."),
    "ledger.period_locked": _("{month} is locked: nothing more can be posted into it."),
    "ledger.item_amount": _("The amount of an open item must be more than zero."),
    "ledger.item_exists": _("This document already has an open item."),
    "ledger.over_settled": _("{amount} is more than what is still open."),
    "ledger.month_not_over": _("{month} is not over yet."),
    "ledger.already_locked": _("{month} is already locked."),
    "ledger.not_locked": _("{month} is not locked."),
    "ledger.reason_missing": _("Please give a reason."),
    "ledger.month": _("“{month}” is not a month: write it as 2026-03."),
    "ledger.span": _("The last day lies before the first day."),
    "ledger.template": _("There is no such chart of accounts."),
    "ledger.chart_code": _("The code of an account has one to twenty digits, letters, dots or dashes."),
    "ledger.chart_name": _("An account needs a name of at most 80 characters."),
    "ledger.chart_kind": _("There is no such kind of account."),
    "ledger.chart_account": _("There is no account with the code {code} in the chart."),
    "ledger.event": _("There is nothing of this name to post."),
    "ledger.no_category": _("Only revenue and purchases are told apart by category."),
    "ledger.no_rate": _("Only revenue, purchases and tax are told apart by tax rate."),
    "ledger.rate_wrong": _("A tax rate lies between 0 and 1: 13 % is 0.13."),
    "ledger.category": _("There is no category with the code {code}."),
    "ledger.home_twice": _("The same is told twice."),
    "ledger.no_organisation": _("There is no such organisation."),
    "ledger.nothing_overdue": _("Nothing of them is overdue."),
    "ledger.nobody_to_remind": _("Nobody who sees the books of this organisation signs in here."),
}

#: what people are told by a notice
NOTICES = {
    "ledger.overdue": _("{seller} reminds you: {amount} is overdue. Documents: {documents}; the oldest is {number}, due {due_on}."),
}

REMEDIES = {
    "ledger.chart_used": _("Let them go somewhere else first."),
    "ledger.nobody_to_remind": _("Call them, or send the statement."),
    "ledger.reminder_day_unique": _("They can be reminded again tomorrow."),
    "ledger.period_locked": _("Post with a date in an open month, or have finance unlock the month."),
    "ledger.entry_period_open": _("Post with a date in an open month, or have finance unlock the month."),
    "ledger.over_settled": _("Apply less; what is left of the payment stays unapplied."),
    "ledger.month_not_over": _("Wait until the month has ended."),
}
