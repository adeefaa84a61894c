"""Judges of output/ on disk, asked by `check`."""
