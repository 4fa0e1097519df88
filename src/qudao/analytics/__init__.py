"""Figures of the trade by day, kept beside the documents so that a dashboard reads hundreds of rows and never the history."""
