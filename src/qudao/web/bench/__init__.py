"""Measurements of speed: the floor (hand-written SQL) and the engine judged against it."""
