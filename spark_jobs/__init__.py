"""Spark jobs, one folder each: ``job.py`` is submitted, ``transforms.py`` turns a DataFrame into a DataFrame."""
