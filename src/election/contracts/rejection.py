"""Why a record was not used: the closed list of reasons on ``rejected_topic``."""

from typing import Final, Literal, get_args

Reason = Literal[
    "null",  # no value
    "not_utf8",
    "not_json",  # or nested too deeply to be read
    "wrong_type",  # a field is missing or of another type
    "unknown_version",
    "unknown_election",  # no such election, it was registered later, or it takes no such records
    "unknown_voter",
    "unknown_candidate",
    "unknown_contest",
    "other_contest",  # the contest is not on the ballot paper of the voter's district
    "wrong_ranking",  # a ranking where there is none, or one that is empty, or names a candidate twice
    "wrong_ballot",  # the ballot lacks a contest of its paper, or has two votes in one contest
    "second_ballot",  # the voter has a stored ballot with another choice
    "not_open",  # before the poll opened
    "late",  # after the poll closed
    "too_large",
    "key_mismatch",  # a vote whose key is not its ballot id
    "quarantined",  # a vote that is not stored, and that the tally skips by a person's decision
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
