"""The books of every organisation: balanced entries, balances by counterparty, open items, periods."""
