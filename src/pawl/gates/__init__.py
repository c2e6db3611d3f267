"""Rules that a certificate must pass. Parts: they load by name and never import one another."""
