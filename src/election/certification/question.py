"""What a person reads before they decide: the figures of a verdict and who is elected."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from election.outcome import Outcome, Whole, decide, decide_whole, rules_of
from election.platform import Connection, Platform
from election.storage.audits import find, hand_counts, summary
from election.storage.elections import Election, election, read_whole_elections
from election.storage.races import lots, races, stored_count
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
            """SELECT ok, given_at, registered, rejected, outcome FROM verdicts
               WHERE election_no = %s AND verdict_no = %s""",
            [poll.election_no, verdict_no],
        ).fetchone()
        outcomes = _whole(connection, poll).outcomes
        audited = _audited(connection, poll, outcomes)
        voted, entitled = _turnout(connection, poll.election_no)
    if verdict is None:
        return f"**{markdown(poll.name)}**: there is no verdict yet, so it cannot be certified."
    ok, given_at, registered, rejected, decided = verdict
    agrees = "everything agrees" if ok else "**it does not reconcile**, so it cannot be certified"
    return "\n".join(
        [
            f"**{markdown(poll.name)}** ({markdown(poll.scenario)}): {registered:,} registered, {voted:,} ballots "
            f"({voted / entitled if entitled else 0:.1%}), {rejected:,} records rejected.",
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


def _whole(connection: Connection, poll: Election) -> Whole:
    """Every contest by the votes that are stored."""
    no = poll.election_no
    count = stored_count(connection, no, over=True)
    return decide_whole(races(connection, no), count, rules_of(poll.parameters), lots=lots(connection, no))


def _turnout(connection: Connection, election_no: int) -> tuple[int, int]:
    """Voters who have voted, and those registered where a poll is held."""
    row = connection.execute(
        """SELECT (SELECT count(*) FROM votes WHERE election_no = %(no)s AND position = 1),
                  (SELECT coalesce(sum(registered), 0)::bigint
                   FROM districts JOIN papers USING (election_no, district_no)
                   WHERE election_no = %(no)s AND position = 1)""",
        {"no": election_no},
    ).fetchone()
    return row or (0, 0)


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
        f"**{_HOW[one['how']]}**: {markdown(one['name'])}, {markdown(', '.join(one['parties']))}"
        f"{_several(one.get('seats', 1))}."
        for one in named
    ]
    if unseated := [one for contest in decided["contests"] for one in contest.get("unseated", ())]:
        said.append(
            f"**Without a seat**: {len(unseated)} who won a constituency; their party's seats do not cover them."
        )
    names = {s.contender.number: s.contender.name for outcome in outcomes for s in outcome.standings}
    said += [
        f"**Tie** of {markdown(' and '.join(str(names.get(key, key)) for key in tie['between']))}"
        f"{_step(tie['step'])}: it cannot be certified "
        "until the lot is drawn and recorded (`election lot`)."
        for tie in decided.get("ties", ())
    ]
    if vacant := _vacant(decided, outcomes):
        said.append(f"**Vacant**: no person is elected in {vacant} contest{'s' if vacant > 1 else ''}.")
    return [line for one in said for line in (one, "")]


def _step(step: str) -> str:
    return "" if step == "seat" else f" ({markdown(step)})"


def _several(seats: int) -> str:
    return f" ({seats} seats)" if seats > 1 else ""


def _vacant(decided: dict[str, Any], outcomes: Sequence[Outcome]) -> int:
    """Contests of one seat in which no person is elected. Lists may well get none."""
    kinds = {outcome.race.number: outcome.race.kind for outcome in outcomes}
    return sum(
        kinds[contest["contest"]] != "lists"
        and not (contest["elected"] or contest["undecided"] or contest.get("unseated"))
        for contest in decided["contests"]
    )
