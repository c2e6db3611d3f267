"""How a run is measured. Parts: they load by name and never import one another."""
