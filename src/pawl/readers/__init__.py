"""Readers of the finished logs of other loops. Parts: they load by name and never import one another."""
