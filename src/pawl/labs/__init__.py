"""Example studies that ship and run: a template folder each, and the code that writes its data."""
