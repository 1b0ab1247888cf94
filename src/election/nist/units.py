"""Reporting units: the whole election, and the constituency of each contest."""

from election.nist.objects import Object, count_status, external, named, new
from election.nist.report import ContestReport, Report

WHOLE = "unit-whole"


def units(report: Report) -> list[Object]:
    """The whole election first, then a constituency for each contest."""
    held = [contest for contest in report.contests if report.polls(contest)]
    registered = [contest.race.registered for contest in report.contests]
    whole = new(
        "ReportingUnit",
        WHOLE,
        ComposingGpUnitIds=[unit(contest) for contest in report.contests],
        Name=named(report.name),
        CountStatus=count_status(progress(report)),
        SubUnitsReported=sum(contest.over or contest.ballots > 0 for contest in report.contests),
        TotalSubUnits=len(report.contests),
        Type="other",
        OtherType="whole-election",
        VotersParticipated=sum(contest.ballots for contest in held) if held else None,
        VotersRegistered=None if None in registered else sum(filter(None, registered)),
    )
    return [whole, *(_constituency(report, contest) for contest in report.contests)]


def _constituency(report: Report, contest: ContestReport) -> Object:
    return new(
        "ReportingUnit",
        unit(contest),
        ExternalIdentifier=external("contest-id", contest.id),
        Name=named(contest.name),
        CountStatus=count_status(contest_progress(contest)),
        Type="other",
        OtherType="constituency",
        VotersParticipated=contest.ballots if report.polls(contest) else None,
        VotersRegistered=contest.race.registered,
    )


def progress(report: Report) -> str:
    """The ``CountItemStatus`` of the whole election."""
    if report.over:
        return "completed"
    return "in-process" if any(contest.ballots for contest in report.contests) else "not-processed"


def contest_progress(contest: ContestReport) -> str:
    """The ``CountItemStatus`` of one contest."""
    if contest.over:
        return "completed"
    return "in-process" if contest.ballots else "not-processed"


def unit(contest: ContestReport) -> str:
    """The id of the contest's constituency."""
    return f"unit-{contest.race.number}"
