"""Shipments, receipts and their differences: one shipment is the seller's dispatch and the buyer's expected receipt."""
