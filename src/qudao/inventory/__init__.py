"""Goods by place: what is on hand, what is promised, and every move between two places."""
