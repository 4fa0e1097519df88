"""Organisations and their one tree: brand, regions, dealers, outlets; suppliers and customers stand beside it."""
