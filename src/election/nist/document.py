"""The document of a report."""

from datetime import UTC

from election.nist.contests import candidate, contest, seats
from election.nist.notes import notes
from election.nist.objects import Object, count_status, external, named, new
from election.nist.report import Report
from election.nist.units import WHOLE, progress, unit, units


def document(report: Report) -> Object:
    """The ``ElectionReport``. Its sums agree: all figures of a contest come from the votes of its lines."""
    parties = _party_ids(report)
    return new(
        "ElectionReport",
        Election=[_election(report, parties)],
        Format="summary-contest",
        GeneratedDate=report.generated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        GpUnit=units(report),
        Issuer="Election platform",
        IssuerAbbreviation="election",
        IsTest=True,
        Notes=notes(report),
        Party=[_party(report, abbreviation, own_id) for abbreviation, own_id in parties.items()],
        SequenceStart=1,
        SequenceEnd=1,
        Status=report.status,
        TestType="simulation",
        VendorApplicationId="election",
    )


def _election(report: Report, parties: dict[str, str]) -> Object:
    held = [one for one in report.contests if report.polls(one)]
    first = [one for one in held if one.position == 1]
    return new(
        "Election",
        BallotCounts=[
            new("BallotCounts", GpUnitId=where, Type="total", BallotsCast=cast, BallotsRejected=rejected)
            for where, cast, rejected in (
                (WHOLE, sum(c.ballots for c in first), sum(c.invalid for c in first)),
                *((unit(c), c.ballots, c.invalid) for c in held),
            )
            if held
        ],
        Candidate=[
            candidate(one, contender, parties)
            for one in report.contests
            for contender in one.race.contenders
            if contender.kind not in ("write-in", "list")
        ],
        Contest=[
            *(contest(report, one, parties) for one in report.contests),
            *(seats(report, parties) if report.over else []),
        ],
        CountStatus=count_status(progress(report)),
        ElectionScopeId=WHOLE,
        ExternalIdentifier=external("slug", report.slug),
        Name=named(report.name),
        StartDate=report.first_day.isoformat(),
        EndDate=report.last_day.isoformat(),
        Type="general",
    )


def _party_ids(report: Report) -> dict[str, str]:
    """Ids of the parties that persons stand for, by abbreviation."""
    standing = {
        line.party
        for one in report.contests
        for contender in one.race.contenders
        for line in contender.lines
        if contender.is_person
    }
    return {abbreviation: f"party-{number}" for number, abbreviation in enumerate(sorted(standing), 1)}


def _party(report: Report, abbreviation: str, own_id: str) -> Object:
    known = report.parties.get(abbreviation)
    return new(
        "Party",
        own_id,
        Abbreviation=named(abbreviation),
        Color=known.colour.removeprefix("#").lower() if known and known.colour else None,
        Name=named(known.name if known else abbreviation),
    )
