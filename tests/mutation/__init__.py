"""Breaks the generated rules one by one and counts what the generated tests notice."""
