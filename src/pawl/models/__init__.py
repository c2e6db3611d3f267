"""Who answers prompts. Parts: they load by name and never import one another's kinds."""
