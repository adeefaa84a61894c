"""Breaks generated rules, routes and dashboards one by one and counts what is noticed."""
