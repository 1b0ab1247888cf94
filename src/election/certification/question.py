"""What a person reads before they decide: the figures of a verdict and who is elected."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from election.outcome import Outcome, Rules, decide
from election.platform import Connection, Platform
from election.storage.audits import find, hand_counts, summary
from election.storage.elections import Election, election, read_whole_elections
from election.storage.races import races
from election.text import markdown

_HOW = {"votes": "Elected", "unopposed": "Elected unopposed", "lot": "Elected by lot"}
_NAMED = 5  # a person looks at the first few; the result has all


def question(platform: Platform, slug: str, verdict_no: int | None) -> str:
    """Markdown: registered, ballots, rejected, the verdict of that number, an audit's risk, who is elected, and votes.

    ``verdict_no`` is None when there is no verdict.
    """
    with platform.connect("reader") as connection:
        read_whole_elections(connection)
        poll = election(connection, slug)
        verdict = connection.execute(
            """SELECT ok, given_at, registered, stored, rejected, outcome FROM verdicts
               WHERE election_no = %s AND verdict_no = %s""",
            [poll.election_no, verdict_no],
        ).fetchone()
        outcomes = _outcomes(connection, poll)
        audited = _audited(connection, poll, outcomes)
        entitled = sum(outcome.race.registered or 0 for outcome in outcomes if not outcome.race.unopposed)
    if verdict is None:
        return f"**{markdown(poll.name)}**: there is no verdict yet, so it cannot be certified."
    ok, given_at, registered, stored, rejected, decided = verdict
    agrees = "everything agrees" if ok else "**it does not reconcile**, so it cannot be certified"
    return "\n".join(
        [
            f"**{markdown(poll.name)}** ({markdown(poll.scenario)}): {registered:,} registered, {stored:,} ballots "
            f"({stored / entitled if entitled else 0:.1%}), {rejected:,} records rejected.",
            "",
            f"Verdict {verdict_no} of {given_at:%Y-%m-%d %H:%M:%S %Z}: {agrees}.",
            "",
            *audited,
            *(_candidates(outcomes[0]) if len(outcomes) == 1 else _parties(outcomes)),
            "",
            *(_elected(decided, outcomes) if decided else ["This verdict does not say who is elected."]),
            "",
            "*Certify* freezes this result: the database then refuses any change to the election. "
            "*Refuse* ends the run without a result; the election can still be corrected, counted and certified.",
        ]
    )


def _outcomes(connection: Connection, poll: Election) -> list[Outcome]:
    """Every contest by the votes that are stored."""
    votes: dict[int, int] = dict(
        connection.execute(
            """SELECT candidate_no, count(*) FROM votes WHERE election_no = %s AND candidate_no IS NOT NULL
               GROUP BY 1""",
            [poll.election_no],
        ).fetchall()
    )
    rules = Rules.of(poll.parameters)
    return [decide(race, votes, rules, over=True) for race in races(connection, poll.election_no)]


def _audited(connection: Connection, poll: Election, outcomes: Sequence[Outcome]) -> list[str]:
    """The newest audit, and where papers that were counted by hand elect another candidate than the votes."""
    audit, said = find(connection, poll.election_no), summary(connection, poll.election_no)
    if audit is None or said is None:
        return []
    by_hand = hand_counts(connection, audit)
    wrong = sum(
        _who(decide(outcome.race, by_hand[outcome.race.number], outcome.rules, over=True)) != _who(outcome)
        for outcome in outcomes
        if outcome.race.number in by_hand
    )
    lines = [f"Audit, as a rehearsal: {markdown(said)}.", ""]
    if wrong:
        contests = f"{wrong:,} contest{'' if wrong == 1 else 's'}"
        lines += [f"**By the papers, all counted by hand, the outcome is another one in {contests}.**", ""]
    return lines


def _who(outcome: Outcome) -> list[int]:
    return [elected.contender.number for elected in outcome.elected]


def _candidates(outcome: Outcome) -> list[str]:
    """The first candidates of the one contest, with all their parties."""
    rows = [
        f"| {markdown(standing.contender.name)}, {markdown(standing.contender.party_name)} | {standing.votes:,} |"
        for standing in outcome.standings[:_NAMED]
    ]
    return ["| | votes |", "|---|---|", *rows]


def _parties(outcomes: Sequence[Outcome]) -> list[str]:
    """The first parties by votes in all contests."""
    votes: Counter[str] = Counter()
    names: dict[str, str] = {}
    for standing in (standing for outcome in outcomes for standing in outcome.standings):
        for line, own in zip(standing.contender.lines, standing.by_line, strict=True):
            votes[line.party] += own
            names[line.party] = min(names.get(line.party, line.party_name), line.party_name)
    first = sorted(votes, key=lambda party: (-votes[party], party))[:_NAMED]
    return ["| | votes |", "|---|---|", *(f"| {markdown(names[party])} | {votes[party]:,} |" for party in first)]


def _elected(decided: dict[str, Any], outcomes: Sequence[Outcome]) -> list[str]:
    """Who is elected as the verdict says, by party where there are several contests, and which ties await a lot."""
    elected = [one for contest in decided["contests"] for one in contest["elected"]]
    said = []
    if len(outcomes) > 1:
        seats = ", ".join(f"{markdown(party)} {number}" for party, number in decided["seats"].items())
        said.append(f"**Seats**: {seats or 'none is filled'}.")
    named = elected if len(outcomes) == 1 else [one for one in elected if one["how"] != "votes"]
    said += [
        f"**{_HOW[one['how']]}**: {markdown(one['name'])}, {markdown(', '.join(one['parties']))}." for one in named
    ]
    names = {s.contender.number: s.contender.name for outcome in outcomes for s in outcome.standings}
    said += [
        f"**Tie** of {markdown(' and '.join(names[number] for number in contest['tied']))}: it cannot be certified "
        "until the lot is drawn and recorded (`election lot`)."
        for contest in decided["contests"]
        if contest["undecided"]
    ]
    if vacant := sum(not contest["elected"] and not contest["undecided"] for contest in decided["contests"]):
        said.append(f"**Vacant**: no person is elected in {vacant} contest{'s' if vacant > 1 else ''}.")
    return [line for one in said for line in (one, "")]
