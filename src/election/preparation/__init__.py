"""Stage 1, prepare: tables, topics, and the election with its parties and contests."""

from election.parameters import Registration
from election.preparation.registration import register
from election.preparation.tables import create_tables

__all__ = ["Registration", "create_tables", "register"]
