"""Let processes train one run together."""
