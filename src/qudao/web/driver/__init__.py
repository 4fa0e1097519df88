"""Django's engine for PostgreSQL with moments read by the driver's own C code."""
