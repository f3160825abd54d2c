"""Measures what docs/reference/performance.md promises: ``python -m bench`` prints the table."""
