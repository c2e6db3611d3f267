"""How a variant becomes a run. Parts: they load by name and never import one another."""
