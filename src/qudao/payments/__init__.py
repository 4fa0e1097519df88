"""Payments and what they pay: money received by the seller is money paid by the buyer, in one document."""
