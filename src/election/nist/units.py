"""Reporting units: the whole election, the constituency of each contest, and districts that are none."""

from election.contracts.public import BallotPaper
from election.nist.objects import Object, count_status, external, named, new
from election.nist.report import ContestReport, Report

WHOLE = "unit-whole"


def units(report: Report) -> list[Object]:
    """The whole election first, then a constituency for each contest, then the districts.

    Every voter belongs to one contest that comes first on the ballot papers, so these make up the whole.
    """
    held = [contest for contest in report.first if report.polls(contest)]
    registered = [contest.race.registered for contest in report.first]
    whole = new(
        "ReportingUnit",
        WHOLE,
        ComposingGpUnitIds=[unit(contest) for contest in report.first],
        Name=named(report.name),
        CountStatus=count_status(progress(report)),
        SubUnitsReported=sum(contest.over or contest.ballots > 0 for contest in report.first),
        TotalSubUnits=len(report.first),
        Type="other",
        OtherType="whole-election",
        VotersParticipated=sum(contest.ballots for contest in held) if held else None,
        VotersRegistered=None if None in registered else sum(filter(None, registered)),
    )
    return [
        whole,
        *(_constituency(report, contest) for contest in report.contests),
        *(_district(district) for district in report.districts),
    ]


def _constituency(report: Report, contest: ContestReport) -> Object:
    return new(
        "ReportingUnit",
        unit(contest),
        ComposingGpUnitIds=[
            _district_unit(district) for district in report.districts if contest.race.number in district.contests
        ],
        ExternalIdentifier=external("contest-id", contest.id),
        Name=named(contest.name),
        CountStatus=count_status(contest_progress(contest)),
        Type="other",
        OtherType="constituency",
        VotersParticipated=contest.ballots if report.polls(contest) else None,
        VotersRegistered=contest.race.registered,
    )


def _district(district: BallotPaper) -> Object:
    return new(
        "ReportingUnit",
        _district_unit(district),
        ExternalIdentifier=external("district-id", district.id),
        Name=named(district.name),
        Type="other",
        OtherType="district",
        VotersRegistered=district.registered,
    )


def _district_unit(district: BallotPaper) -> str:
    return f"district-{district.number}"


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
