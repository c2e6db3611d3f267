"""Who puts forward patches. Parts: they load by name and never import one another."""
