"""``python -m election.cli``: the command line without its script."""

from election.cli import app

app()
