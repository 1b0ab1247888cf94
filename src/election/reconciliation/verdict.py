"""The verdict on an election: every figure, recomputed from Postgres and the topics' contents."""

import json
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Literal

from election.contracts import topics
from election.errors import StageFailed
from election.messaging.aggregates import folded
from election.messaging.rejected import rejected
from election.platform import Connection, Platform
from election.reconciliation.ballots import Comparison, compare_ballots
from election.reconciliation.offered import unaccounted
from election.storage.elections import Election, election, read_whole_elections
from election.storage.expected import expected_totals
from election.totals import Totals

# A broken election can differ in millions of keys; a person reads the first few, the number says the rest.
_LISTED = 50


@dataclass(frozen=True)
class Difference:
    """Something that does not agree. ``found`` is what the topic or the database has, ``expected`` what it should."""

    what: str
    key: str
    expected: int | str | None
    found: int | str | None

    def __str__(self) -> str:
        return f"{self.what} {self.key}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class Verdict:
    """``ok`` only without a difference. The other figures are voters, ballots and records."""

    ok: bool
    registered: int
    stored: int
    published: int
    counted: int
    rejected: int
    differences: tuple[Difference, ...]
    kind: Literal["reconciliation", "recount"] = "reconciliation"

    def require_ok(self) -> None:
        """Raises StageFailed with the first differences unless everything agrees."""
        if self.ok:
            return
        shown = "\n".join(f"- {difference}" for difference in self.differences[:10])
        if self.kind == "recount":
            raise StageFailed(
                f"The certified result does not stand: {len(self.differences)} difference(s).\n{shown}\n"
                "What is certified stays as it is. `election recount SLUG` counts again; if ballots are missing from "
                "the topic alone, `election republish SLUG` puts the stored ones there again."
            )
        raise StageFailed(
            f"The election does not reconcile: {len(self.differences)} difference(s).\n{shown}\n"
            "`election reconcile SLUG` recomputes this. If ballots are missing from the topic, `election republish "
            "SLUG` puts the stored ones there again; if totals are wrong, `election tally rebuild` counts anew."
        )


def reconcile(platform: Platform, slug: str) -> Verdict:
    """Recomputes the verdict on the spot, in constant memory, without writing it. Raises UnknownElection."""
    totals = folded(platform.kafka)
    with platform.connect("auditor") as connection:
        read_whole_elections(connection)
        poll = election(connection, slug)
        registered, voters, stored = _sizes(connection, poll.election_no)
        counted, comparison = totals.ballots(poll.election_no), compare_ballots(platform, connection, poll)
        if counted > stored and not comparison.differing:
            comparison = compare_ballots(platform, connection, poll, ever=True)
        differences = [
            *_rows(registered, voters),
            *ballot_differences(comparison),
            *_offered(platform, connection, poll),
            *_aggregates(connection, totals, poll),
            *_official(connection, totals, poll),
        ]
    refused = sum(1 for _ in rejected(platform, poll.election_no))
    return Verdict(not differences, registered, stored, comparison.published, counted, refused, tuple(differences))


def record(platform: Platform, slug: str, verdict: Verdict) -> None:
    """Writes the verdict, as the only role that may."""
    with platform.connect("auditor") as connection:
        connection.execute(
            """INSERT INTO verdicts (election_no, ok, registered, stored, published, counted, rejected, differences,
                                     kind)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                election(connection, slug).election_no,
                verdict.ok,
                verdict.registered,
                verdict.stored,
                verdict.published,
                verdict.counted,
                verdict.rejected,
                json.dumps([asdict(difference) for difference in verdict.differences]),
                verdict.kind,
            ],
        )


def _sizes(connection: Connection, election_no: int) -> tuple[int, int, int]:
    row = connection.execute(
        """SELECT (SELECT coalesce(sum(registered), 0)::bigint FROM contests WHERE election_no = %(no)s),
                  (SELECT count(*) FROM voters WHERE election_no = %(no)s),
                  (SELECT count(*) FROM votes WHERE election_no = %(no)s)""",
        {"no": election_no},
    ).fetchone()
    assert row is not None
    return row


def _rows(registered: int, voters: int) -> list[Difference]:
    return [] if registered == voters else [Difference("voters", "rows", registered, voters)]


def ballot_differences(comparison: Comparison) -> list[Difference]:
    """A ballot that is missing, forged or altered each; the first ones by their ids, the others as a number."""
    named = [
        *(Difference("ballot missing from votes_topic", i, "published", "absent") for i in comparison.missing),
        *(Difference("forged ballot on votes_topic", i, "absent", "published") for i in comparison.forged),
        *(Difference("altered ballot on votes_topic", i, "as stored", "other content") for i in comparison.altered),
    ]
    unlisted = comparison.differing - len(named)
    return named + ([Difference("further ballots", "not listed", 0, unlisted)] if unlisted else [])


def _offered(platform: Platform, connection: Connection, poll: Election) -> list[Difference]:
    found = islice(unaccounted(platform, connection, poll), _LISTED)
    return [Difference(what, where, 0, ballots) for what, where, ballots in found]


def _aggregates(connection: Connection, totals: Totals, poll: Election) -> list[Difference]:
    differences = []
    found = totals.keyed(poll.election_no)
    for topic, expected in expected_totals(connection, poll).items():
        # The key's second part is the generation, which the database knows nothing of.
        counted = {_without_generation(key): total.votes for key, total in found[topic].items()}
        for key in sorted(expected.keys() | counted.keys()):
            if expected.get(key, 0) != counted.get(key, 0):
                differences.append(Difference(topic, key, expected.get(key, 0), counted.get(key, 0)))
    return differences[:_LISTED]


def _without_generation(key: bytes) -> str:
    election_no, _, rest = key.decode().split("/", 2)
    return f"{election_no}/{rest}"


def _official(connection: Connection, totals: Totals, poll: Election) -> list[Difference]:
    """In a replay, every candidate's counted total against the official one, and every contest's invalid ballots.

    Ballots from outside are nobody's replay, whatever scenario they are cast in.
    """
    if poll.kind != "replay" or poll.ballots == "external":
        return []
    counted = totals.election(poll.election_no)
    votes = {total.candidate: total.votes for total in counted[topics.VOTES_PER_CANDIDATE]}
    invalid = {t.contest: t.votes for t in counted[topics.BALLOTS_PER_CONTEST] if t.validity == "invalid"}
    candidates = connection.execute(
        """SELECT candidate_no, given_name || ' ' || family_name, official_votes FROM candidates
           WHERE election_no = %s ORDER BY 1""",
        [poll.election_no],
    )
    contests = connection.execute(
        "SELECT contest_no, name, official_invalid FROM contests WHERE election_no = %s ORDER BY 1", [poll.election_no]
    )
    return [
        *(
            Difference("official votes", name, own, votes.get(no, 0))
            for no, name, own in candidates
            if own != votes.get(no, 0)
        ),
        *(
            Difference("official invalid", name, n, invalid.get(no, 0))
            for no, name, n in contests
            if n != invalid.get(no, 0)
        ),
    ][:_LISTED]
