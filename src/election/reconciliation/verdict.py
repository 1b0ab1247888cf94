"""The verdict on an election: every figure, recomputed from Postgres and the topics' contents."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Literal

from election.errors import StageFailed
from election.messaging.aggregates import folded
from election.messaging.rejected import rejected
from election.outcome import decide_whole, rules_of
from election.outcome import record as outcome_record
from election.platform import Connection, Platform
from election.reconciliation.aggregates import compare_totals
from election.reconciliation.ballots import Comparison, compare_ballots
from election.reconciliation.offered import unaccounted
from election.reconciliation.official import Compared, official_figures
from election.storage.elections import Election, election, read_whole_elections
from election.storage.expected import expected_totals
from election.storage.races import lots, races, stored_count
from election.totals import Totals

# A broken election can differ in millions of keys. A person reads only the first ones.
_LISTED = 50
Expected = dict[str, dict[str, int]]
"""Votes by topic and key, as ``storage.expected`` computes them."""


@dataclass(frozen=True)
class Difference:
    """A difference: ``found`` is the value on the topic or in the database, ``expected`` the correct one."""

    what: str
    key: str
    expected: int | str | None
    found: int | str | None

    def __str__(self) -> str:
        return f"{self.what} {self.key}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class Verdict:
    """``ok`` only without a difference. The other figures are numbers of voters, votes and records.

    ``voted`` is the number of voters with a stored vote, which is less than ``stored`` if they have several votes.
    ``quarantined`` messages on ``votes_topic`` were left out by a person's decision. ``unasked`` says in sentences what
    could not be compared. ``outcome`` is the outcome by the stored votes (``election.outcome.record``); None unless
    everything agrees.
    """

    ok: bool
    registered: int
    stored: int
    published: int
    counted: int
    rejected: int
    differences: tuple[Difference, ...]
    voted: int
    kind: Literal["reconciliation", "recount"] = "reconciliation"
    quarantined: int = 0
    unasked: tuple[str, ...] = ()
    outcome: dict[str, Any] | None = None

    @property
    def votes(self) -> str:
        """The stored votes in words."""
        return (
            f"{self.stored:,} votes on {self.voted:,} ballots"
            if self.stored > self.voted
            else f"{self.stored:,} ballots"
        )

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
            "SLUG` puts the stored ones there again; if ballots there are forged or altered, `election quarantine "
            "SLUG` has the tally skip them; if totals are wrong, `election tally rebuild` counts them again."
        )


def reconcile(platform: Platform, slug: str) -> Verdict:
    """Computes the verdict now, in constant memory, without recording it. Raises UnknownElection."""
    with platform.connect("auditor") as connection:
        read_whole_elections(connection)
        poll = election(connection, slug)
        totals = folded(platform.kafka, poll.election_no)
        registered, voters, stored, voted = _sizes(connection, poll.election_no)
        counted, comparison = totals.ballots(poll.election_no), compare_ballots(platform, connection, poll)
        if counted > stored and not comparison.differing:
            comparison = compare_ballots(platform, connection, poll, ever=True)
        expected = expected_totals(connection, poll, comparison.summed)
        unasked: list[str] = []
        differences = [
            *_rows(registered, sum(voters.values())),
            *ballot_differences(comparison),
            *_offered(platform, connection, poll, unasked),
            *_aggregates(expected, totals, poll),
            *_official(official_figures(connection, totals, poll, voters)),
        ]
        decided = None if differences else _outcome(connection, poll)
    refused = sum(1 for _ in rejected(platform, poll.election_no))
    return Verdict(
        not differences,
        registered,
        stored,
        comparison.published,
        counted,
        refused,
        tuple(differences),
        voted,
        quarantined=comparison.quarantined,
        unasked=tuple(unasked),
        outcome=decided,
    )


def record(platform: Platform, slug: str, verdict: Verdict, log: Callable[[str], None] = print) -> None:
    """Records the verdict, as the only role that may; logs what could not be compared."""
    for what in verdict.unasked:
        log(what)
    with platform.connect("auditor") as connection:
        connection.execute(
            """INSERT INTO verdicts (election_no, ok, registered, stored, published, counted, rejected, differences,
                                     kind, outcome)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
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
                None if verdict.outcome is None else json.dumps(verdict.outcome),
            ],
        )


def _sizes(connection: Connection, election_no: int) -> tuple[int, dict[int, int], int, int]:
    """(registered, voters by district number, stored votes, those of them at position 1)."""
    registered, stored, voted = connection.execute(
        """SELECT (SELECT coalesce(sum(registered), 0)::bigint FROM districts WHERE election_no = %(no)s),
                  count(*), count(*) FILTER (WHERE position = 1)
           FROM votes WHERE election_no = %(no)s""",
        {"no": election_no},
    ).fetchone() or (0, 0, 0)
    voters = connection.execute(
        "SELECT district_no, count(*) FROM voters WHERE election_no = %s GROUP BY 1", [election_no]
    ).fetchall()
    return registered, dict(voters), stored, voted


def _rows(registered: int, voters: int) -> list[Difference]:
    return [] if registered == voters else [Difference("voters", "rows", registered, voters)]


def ballot_differences(comparison: Comparison) -> list[Difference]:
    """The differences of ballots: the first ones by their ids, the others as a number."""
    named = [
        *(Difference("ballot missing from votes_topic", i, "published", "absent") for i in comparison.missing),
        *(Difference("forged ballot on votes_topic", i, "absent", "published") for i in comparison.forged),
        *(Difference("altered ballot on votes_topic", i, "as stored", "other content") for i in comparison.altered),
    ]
    unlisted = comparison.differing - len(named)
    return named + ([Difference("further ballots", "not listed", 0, unlisted)] if unlisted else [])


def _offered(platform: Platform, connection: Connection, poll: Election, unasked: list[str]) -> list[Difference]:
    found = islice(unaccounted(platform, connection, poll, unasked), _LISTED)
    return [Difference(what, where, 0, ballots) for what, where, ballots in found]


def _outcome(connection: Connection, poll: Election) -> dict[str, Any]:
    """The outcome by the stored votes, recorded lots included."""
    no, over = poll.election_no, poll.state in ("counted", "certified", "refused")
    count = stored_count(connection, no, over=over)
    return outcome_record(
        decide_whole(races(connection, no), count, rules_of(poll.parameters), lots=lots(connection, no))
    )


def _aggregates(expected: Expected, totals: Totals, poll: Election) -> list[Difference]:
    differing = (
        Difference(figure.topic, figure.key, figure.stored, figure.counted)
        for figure in compare_totals(expected, totals, poll)
        if figure.stored != figure.counted
    )
    return list(islice(differing, _LISTED))


def _official(figures: Iterable[Compared]) -> list[Difference]:
    return list(islice((Difference(*found) for found in figures if found[2] != found[3]), _LISTED))
