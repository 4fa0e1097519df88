"""Plain Python that every module stands on: money, quantity, periods, the clock, errors. No Django, no SQL."""
