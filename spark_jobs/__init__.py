"""Spark jobs, a folder each: ``job.py`` is what gets submitted, ``transforms.py`` is DataFrame in, DataFrame out."""
