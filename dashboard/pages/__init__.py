"""One module a page; each has a ``draw`` for the live part that the frame repeats."""
