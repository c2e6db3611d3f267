"""Where untrusted code runs. Parts: they load by name and never import one another."""
