"""How a person signs. Parts: they load by name and never import one another."""
