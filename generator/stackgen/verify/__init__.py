"""Judges of rendered files, one tool a module; each gives Problems."""
