"""Audit: a sample of papers is compared with the count, as a rehearsal of a risk-limiting audit.

What it shows in a simulation and what it does not: docs/audit.md.
"""
