"""The order: one document with two sides, from placing to settled."""
