"""Judges of a plan, asked before anything is rendered."""
