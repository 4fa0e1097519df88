"""Baskets: what a person is about to order, on every device; with saved templates and favourites."""
