"""Qudao (渠道): one network of organisations, one document, two sides."""

__version__ = "0.1.0"
