"""The notes of a report: what the format has no field for."""

from collections.abc import Iterator
from datetime import UTC, datetime

from election.nist.report import ContestReport, Report


def notes(report: Report) -> str:
    """A sentence for each: the simulation, the decision, the recount, and contests decided otherwise than by votes."""
    return " ".join([*_about(report), *(sentence for contest in report.contests for sentence in _contest(contest))])


def _about(report: Report) -> Iterator[str]:
    if report.replay:
        yield "A replay of a real election's result with invented voters; not an official document."
    else:
        yield "A simulated election with invented voters."
    if report.decision and report.state in ("certified", "refused"):
        made, given = report.decision, report.decision.reason.rstrip(".")
        made_what = "Certified" if report.state == "certified" else "Certification refused"
        yield f"{made_what} by {made.decided_by} at {_moment(made.decided_at)}: {given}."
    if report.recount and report.status == "recount":
        found = "the certified result stands" if report.recount.ok else "the ballots differ from the certified result"
        yield f"Recounted at {_moment(report.recount.given_at)}: {found}."


def _contest(contest: ContestReport) -> Iterator[str]:
    how = {one.how for one in contest.elected}
    names = ", ".join(one.contender.name for one in contest.elected)
    if "unopposed" in how:
        yield f"{contest.name}: elected unopposed, without a poll: {names}."
    if contest.unseated:
        won = ", ".join(one.contender.name for one in contest.unseated)
        yield f"{contest.name}: won without a seat, because the votes for lists do not cover it: {won}."
    if "lot" in how:
        yield f"{contest.name}: elected by lot after a tie: {names}."
    if contest.tied:
        yield f"{contest.name}: a tie awaits its lot: {', '.join(one.name for one in contest.tied)}."
    elif contest.vacant:
        yield f"{contest.name}: vacant seats: {contest.vacant} of {contest.race.seats}."


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
