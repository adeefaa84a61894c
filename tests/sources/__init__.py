"""Tests of what each source's metrics are read as, the same for every user, written by hand for promtool."""
