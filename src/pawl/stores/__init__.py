"""Where ledgers live. Parts: they load by name and never import one another."""
