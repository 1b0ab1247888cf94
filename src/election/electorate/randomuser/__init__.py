"""Voters page by page, and candidates with their photos, from the randomuser.me API."""

from election.electorate.randomuser.candidates import Face, faces
from election.electorate.randomuser.voters import store_voters

__all__ = ["Face", "faces", "store_voters"]
