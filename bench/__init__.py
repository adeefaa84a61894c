"""Benchmarks: `make bench`. No test asserts a time; a person reads the table."""
