"""The command line ``election``. Each module below puts its commands on the one application: add a module, import it."""

from election.cli import stack as stack
from election.cli.application import app

__all__ = ["app"]
