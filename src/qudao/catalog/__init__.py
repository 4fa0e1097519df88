"""Products, units, packs and barcodes: what can be traded, owned by the organisation that names it."""
