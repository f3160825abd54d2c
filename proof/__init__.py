"""Proves what imagen promises about money and work: ``python -m proof`` prints the goals with our figures."""
