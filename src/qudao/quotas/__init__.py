"""Quotas of scarce goods: what a seller has of a product for some days, and who may order how much of it."""
