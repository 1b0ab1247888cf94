"""An election's contests as they are decided by what is certified, and before that by what is counted."""

from dataclasses import dataclass

from psycopg.rows import class_row

from election.contracts.public import Decision
from election.outcome import Whole, decide_whole, recorded, rules_of
from election.platform import Platform
from election.results.figures import Figures, certified, counted
from election.storage.elections import Election, election
from election.storage.public import newest_decision
from election.storage.races import lots, races


@dataclass(frozen=True)
class ContestRow:
    """A contest's fixed facts; ``position`` on the ballot paper, 1 if no poll is held."""

    contest_id: str
    name: str
    registered: int
    official_valid: int | None
    official_invalid: int | None
    unopposed: bool
    position: int


@dataclass(frozen=True)
class Decided:
    """``contests`` and ``whole.outcomes`` by contest number. ``over``: no ballot will come any more.

    ``decision`` is the newest certification or refusal, None before there is one.
    """

    poll: Election
    contests: list[ContestRow]
    whole: Whole
    figures: Figures
    over: bool
    decision: Decision | None


def decided(platform: Platform, slug: str) -> Decided:
    """The figures are the frozen ones once certified, so no topic is read. Raises UnknownElection."""
    with platform.connect("reader") as connection:
        poll = election(connection, slug)
        no, rules, over = poll.election_no, rules_of(poll.parameters), poll.state in ("counted", "certified", "refused")
        with connection.cursor(row_factory=class_row(ContestRow)) as cursor:
            contests = cursor.execute(
                """SELECT contest_id, name, registered, official_valid, official_invalid, unopposed, position
                   FROM public_contests WHERE election_no = %s ORDER BY contest_no""",
                [no],
            ).fetchall()
        standing, drawn = races(connection, no), lots(connection, no)
        decision = newest_decision(connection, no)
        figures = (
            certified(connection, no) if poll.state == "certified" else counted(platform, connection, no, over=over)
        )
    whole = decide_whole(
        standing,
        figures.count,
        rules,
        lots=drawn,
        frozen=figures.elected,
        certified=None if figures.outcome is None else recorded(figures.outcome, standing, rules),
    )
    return Decided(poll, contests, whole, figures, over, decision)
