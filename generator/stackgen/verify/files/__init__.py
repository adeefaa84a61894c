"""Judges of rendered files, asked before anything is written."""
