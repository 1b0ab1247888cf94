"""An election's contests as they are decided by what is certified, and before that by what is counted."""

from dataclasses import dataclass

from election.contracts.public import Decision
from election.outcome import Outcome, Rules, decide
from election.platform import Platform
from election.results.figures import Figures, certified, counted
from election.storage.elections import Election, election
from election.storage.public import newest_decision
from election.storage.races import lots, races

ContestRow = tuple[str, str, int, int | None, int | None, bool]
"""Id, name, registered voters, official valid and invalid ballots, whether it is unopposed."""


@dataclass(frozen=True)
class Decided:
    """``contests`` and ``outcomes`` by contest number. ``over``: no ballot will come any more.

    ``decision`` is the newest certification or refusal, None before there is one.
    """

    poll: Election
    rules: Rules
    contests: list[ContestRow]
    outcomes: list[Outcome]
    figures: Figures
    over: bool
    decision: Decision | None


def decided(platform: Platform, slug: str) -> Decided:
    """The figures are the frozen ones once certified, so no topic is read. Raises UnknownElection."""
    with platform.connect("reader") as connection:
        poll = election(connection, slug)
        contests = connection.execute(
            """SELECT contest_id, name, registered, official_valid, official_invalid, unopposed
               FROM contests WHERE election_no = %s ORDER BY contest_no""",
            [poll.election_no],
        ).fetchall()
        standing = races(connection, poll.election_no)
        frozen = certified(connection, poll.election_no) if poll.state == "certified" else None
        drawn = lots(connection, poll.election_no)
        decision = newest_decision(connection, poll.election_no)
    figures = frozen or counted(platform, poll.election_no)
    rules, over = Rules.of(poll.parameters), poll.state in ("counted", "certified", "refused")
    outcomes = [
        decide(
            race,
            figures.votes,
            rules,
            invalid=figures.ballots.get((race.number, "invalid"), 0),
            over=over,
            drawn=drawn.get(race.number),
            frozen=None if figures.elected is None else figures.elected.get(race.number, {}),
        )
        for race in standing
    ]
    return Decided(poll, rules, contests, outcomes, figures, over, decision)
