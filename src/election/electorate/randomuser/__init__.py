"""People from the randomuser.me API, version 1.4: voters page by page, candidates with their photos.

What the API does is as its own source says (github.com/RandomAPI/Randomuser.me-Node).
"""

from election.electorate.randomuser.candidates import Face, faces
from election.electorate.randomuser.voters import store_voters

__all__ = ["Face", "faces", "store_voters"]
