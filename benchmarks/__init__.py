"""Benchmarks of `make bench`, which measure every speed in the README."""
