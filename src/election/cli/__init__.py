"""The command line ``election``. Each module adds its commands to the application: add a module, import it."""

from election.cli import audit as audit
from election.cli import certification as certification
from election.cli import containers as containers
from election.cli import elections as elections
from election.cli import evidence as evidence
from election.cli import quarantine as quarantine
from election.cli import rejected as rejected
from election.cli import remove as remove
from election.cli import restore as restore
from election.cli import run as run
from election.cli import stack as stack
from election.cli import stages as stages
from election.cli import tally as tally
from election.cli.application import app

__all__ = ["app"]
