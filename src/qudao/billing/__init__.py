"""Invoices: what was delivered and is not yet billed becomes the seller's receivable and the buyer's payable."""
