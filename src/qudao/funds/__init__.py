"""Credit of a buyer at a seller: the limit, what uses it, and whether one more order passes."""
