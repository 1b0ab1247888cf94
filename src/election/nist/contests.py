"""Candidates, contests and seats."""

from collections import Counter
from decimal import Decimal

from election.nist.objects import Object, count_status, external, named, new
from election.nist.report import ContestReport, Report
from election.nist.units import WHOLE, contest_progress, unit
from election.outcome import Contender, Line


def candidate(contest: ContestReport, contender: Contender, parties: dict[str, str]) -> Object:
    """``None of the above`` is a choice with a name, as on the ballot paper, but has no party and cannot win."""
    known = contender.lines[0].candidate_id
    return new(
        "Candidate",
        _candidate_id(contender),
        BallotName=named(contender.name),
        ExternalIdentifier=external("candidate-id", known) if known else None,
        PartyId=parties[contender.party] if contender.is_person else None,
        PostElectionStatus=_standing(contest, contender) if contender.is_person else None,
    )


def _candidate_id(contender: Contender) -> str:
    return f"candidate-{contender.number}"


def _standing(contest: ContestReport, contender: Contender) -> str | None:
    if contender.number in [elected.contender.number for elected in contest.elected]:
        return "winner"
    if contest.over:
        return "defeated" if contest.valid and contender not in contest.tied else None
    return "projected-winner" if contender == contest.ahead else None


def contest(report: Report, one: ContestReport, parties: dict[str, str]) -> Object:
    """A ``CandidateContest`` with a selection for each line, or for lists a ``PartyContest``."""
    if one.race.kind == "lists":
        return _of_lists(report, one, parties)
    held = report.polls(one)
    ranking, write_ins = one.race.kind == "ranking", [c for c in one.race.contenders if c.kind == "write-in"]
    lines = [(contender, line) for contender in one.race.contenders for line in contender.lines]
    return new(
        "CandidateContest",
        f"contest-{one.race.number}",
        ContestSelection=[
            _selection(one, contender, line, parties, held)
            for contender, line in sorted(lines, key=lambda found: found[1].number)
        ],
        CountStatus=count_status(contest_progress(one)),
        ElectionDistrictId=unit(one),
        ExternalIdentifier=external("contest-id", one.id),
        Name=one.name,
        OtherCounts=[new("OtherCounts", GpUnitId=unit(one), WriteIns=sum(one.votes[c.number] for c in write_ins))]
        if write_ins and held
        else None,
        SequenceOrder=one.race.number,
        VoteVariation="rcv" if ranking else "plurality",
        NumberElected=one.race.seats,
        VotesAllowed=len(one.race.contenders) if ranking else 1,
    )


def _of_lists(report: Report, one: ContestReport, parties: dict[str, str]) -> Object:
    """A ``PartyContest`` with the votes of each list, and once the count is complete its seats."""
    return new(
        "PartyContest",
        f"contest-{one.race.number}",
        ContestSelection=[
            new(
                "PartySelection",
                f"selection-{own.number}",
                SequenceOrder=place,
                VoteCounts=_votes(one, own.lines[0]) if report.polls(one) else None,
                PartyIds=[parties[own.party]],
            )
            for place, own in enumerate(one.race.contenders, 1)
        ],
        CountStatus=count_status(contest_progress(one)),
        ElectionDistrictId=unit(one),
        ExternalIdentifier=external("contest-id", one.id),
        Name=one.name,
        SequenceOrder=one.race.number,
        VoteVariation="proportional",
    )


def _selection(contest: ContestReport, contender: Contender, line: Line, parties: dict[str, str], held: bool) -> Object:
    """One line on the ballot paper; lines of one candidate name the same candidate and a party each."""
    written_in = contender.kind == "write-in"
    return new(
        "CandidateSelection",
        f"selection-{line.number}",
        SequenceOrder=line.number - min(own.lines[0].number for own in contest.race.contenders) + 1,
        VoteCounts=_votes(contest, line) if held else None,
        CandidateIds=None if written_in else [_candidate_id(contender)],
        EndorsementPartyIds=[parties[line.party]] if contender.is_person else None,
        IsWriteIn=True if written_in else None,
    )


def _votes(contest: ContestReport, line: Line) -> list[Object]:
    """The votes of a line; of each round in a count of rankings. The seats of a list, and of who can win several."""
    where = unit(contest)
    if contest.race.kind != "ranking":
        counts = [new("VoteCounts", GpUnitId=where, Type="total", Count=contest.votes[line.number])]
        several = contest.race.kind == "lists" or any(one.seats > 1 for one in contest.elected)
        if contest.over and several:
            won = sum(one.seats for one in contest.elected if one.contender.lines[0] == line)
            counts.append(new("VoteCounts", GpUnitId=where, Type="seats", Count=won))
        return counts
    return [
        new("VoteCounts", GpUnitId=where, Round=stage.number, Type="total", Count=_number(stage.votes[line.number]))
        for stage in contest.stages
        if line.number in stage.votes
    ]


def _number(votes: Decimal) -> int | float:
    return int(votes) if votes == int(votes) else float(votes)


def seats(report: Report, parties: dict[str, str]) -> list[Object]:
    """A ``PartyContest`` of the seats won by each party; none if no person stands."""
    won: Counter[str] = Counter()
    for contest in report.contests:
        for elected in contest.elected:
            won[elected.contender.party] += elected.seats
    if not parties:
        return []
    return [
        new(
            "PartyContest",
            "contest-seats",
            ContestSelection=[
                new(
                    "PartySelection",
                    f"seats-{own_id}",
                    VoteCounts=[new("VoteCounts", GpUnitId=WHOLE, Type="seats", Count=won[abbreviation])],
                    PartyIds=[own_id],
                )
                for abbreviation, own_id in parties.items()
            ],
            CountStatus=count_status("completed"),
            ElectionDistrictId=WHOLE,
            Name="Seats by party",
        )
    ]
