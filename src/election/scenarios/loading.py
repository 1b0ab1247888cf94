"""A scenario's folder as a Scenario: its two tables read together and held against each other."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import get_args

from election.contracts.public import Party
from election.errors import BadInput
from election.outcome import Kind
from election.scenarios import garbled, standing
from election.scenarios.description import Description, describe
from election.scenarios.model import Candidate, Contest, Scenario
from election.scenarios.tables import Row, refused, rows

CONTESTS = ("contest_id", "name", "region", "country", "declared_at", "electorate", "valid_votes", "invalid_votes")
CANDIDATES = ("contest_id", "given_name", "family_name", "gender", "party", "party_abbreviation", "votes")
# Other years may know other genders, spelt the same way.
_GENDER = re.compile(r"[a-z]+(-[a-z]+)*")
# From polling day to the last declaration; a date beyond is a slip of the pen, or another poll.
_COUNT_TAKES = timedelta(days=3)


def names(folder: Path) -> list[str]:
    """The scenarios in ``folder``: its sub-folders that have a scenario.toml, by name."""
    return sorted(path.parent.name for path in folder.glob("*/scenario.toml"))


def load(folder: Path, name: str) -> Scenario:
    """The scenario in ``folder/name``, complete and consistent. Raises BadInput naming file, line and remedy."""
    known = names(folder)
    home = folder / name
    if not any(path.name == name and path.is_dir() for path in folder.glob("*")):
        near = get_close_matches(name, known, n=3, cutoff=0.4) or known
        raise BadInput(
            f"There is no scenario {name!r} in {folder}. {'Did you mean' if near else 'Add one:'} "
            f"{' or '.join(near) + '?' if near else 'docs/scenarios.md shows how.'} `election scenarios` lists them."
        )
    description = describe(home)
    contests_file, candidates_file = home / "contests.csv", home / "candidates.csv"
    contests = _contests(contests_file, description)
    lines = _candidates(candidates_file, contests)
    replay = _is_replay(contests, lines)
    for contest_id, (row, _) in contests.items():
        if not lines[contest_id]:
            what = f"contest {contest_id} has no candidate in {candidates_file.name}"
            raise row.refused(what, "Add its candidates there, or take the contest out.")
        if replay:
            _check_votes(row, [candidate for _, candidate in lines[contest_id]])
    return Scenario(
        name=name,
        title=description.title,
        polling_day=description.polling_day,
        kind="replay" if replay else "simulated",
        licence=description.licence,
        parties=_parties(description, [candidate for people in lines.values() for _, candidate in people]),
        contests=tuple(
            replace(contest, candidates=tuple(candidate for _, candidate in lines[contest_id]))
            for contest_id, (_, contest) in contests.items()
        ),
        map=description.map,
        simulation=description.simulation,
        warnings=(
            *garbled.warnings((row for row, _ in contests.values()), ("name", "region", "country")),
            *garbled.warnings((row for people in lines.values() for row, _ in people), CANDIDATES[1:6]),
        ),
        system=description.system,
    )


def predecessor(folder: Path, name: str) -> str | None:
    """The scenario of the election before ``folder/name``, if that one is there and names one.

    Raises BadInput if the named one is not in ``folder``.
    """
    known = names(folder)
    before = describe(folder / name).predecessor if name in known else None
    if before is not None and before not in known:
        raise BadInput(
            f"{folder / name / 'scenario.toml'}: `predecessor` is {before!r}, and there is no such scenario. "
            "Add its folder beside this one, or delete the line."
        )
    return before


def _contests(file: Path, description: Description) -> dict[str, tuple[Row, Contest]]:
    contests: dict[str, tuple[Row, Contest]] = {}
    for row in rows(file, CONTESTS, optional=["polling_day"]):
        contest_id = row.text("contest_id")
        if contest_id in contests:
            what = f"contest {contest_id} is there already, in line {contests[contest_id][0].line}"
            raise row.refused(what, "Give each contest one line and an id of its own.")
        polling_day, declared_at = _times(row, description.polling_day)
        electorate, valid, invalid = (row.count(name) for name in ("electorate", "valid_votes", "invalid_votes"))
        if electorate == 0:
            raise row.refused("`electorate` is 0", "A contest needs at least one registered voter.")
        contests[contest_id] = (
            row,
            Contest(
                contest_id=contest_id,
                name=row.text("name"),
                region=row.text("region"),
                country=row.text("country"),
                declared_at=declared_at,
                electorate=description.voters_per_contest if electorate is None else electorate,
                valid_votes=valid,
                invalid_votes=invalid,
                candidates=(),
                polling_day=polling_day,
            ),
        )
    if not contests:
        raise refused(file, None, "there is no contest", "Add a line for each contest.")
    return contests


def _times(row: Row, polling_day: date) -> tuple[date | None, datetime | None]:
    """The contest's own polling day, if it polls later than the others, and when its result was declared."""
    own, declared_at = row.day("polling_day"), row.time("declared_at")
    if own is not None and own < polling_day:
        what = f"`polling_day` is {own}, before the scenario's polling day {polling_day}"
        raise row.refused(what, "Correct it, or polling_day in scenario.toml: that is the first one.")
    day = own or polling_day
    if declared_at is not None and declared_at.date() < day:
        what = f"declared {declared_at:%Y-%m-%d}, before polling day {day}"
        raise row.refused(what, "Correct `declared_at`, or polling_day in scenario.toml.")
    if declared_at is not None and declared_at.date() > day + _COUNT_TAKES:
        what = f"declared {declared_at:%Y-%m-%d}, more than {_COUNT_TAKES.days} days after polling day {day}"
        raise row.refused(
            what, "Correct the date; if the contest polled later than the others, give its day in a column polling_day."
        )
    return (None if own == polling_day else own), declared_at


def _candidates(file: Path, contests: Mapping[str, tuple[Row, Contest]]) -> dict[str, list[tuple[Row, Candidate]]]:
    found: dict[str, list[tuple[Row, Candidate]]] = {contest_id: [] for contest_id in contests}
    for row in rows(file, CANDIDATES, optional=["candidate_id", "kind"]):
        contest_id = row.text("contest_id")
        if contest_id not in found:
            near = get_close_matches(contest_id, found, n=1)
            what = f"contest {contest_id!r} is not in contests.csv" + (f" (is it {near[0]}?)" if near else "")
            raise row.refused(what, "Correct the id, or add the contest there.")
        names = (row.values["given_name"], row.values["family_name"])
        if not any(names):
            raise row.refused("the candidate has no name", "Fill in `given_name` or `family_name`.")
        kind = _kind(row)
        if kind != "person":
            # Such a line has no gender, and may be of no party; its votes are then kept by its name.
            row.values["gender"] = "unknown"
            row.values["party"] = row.values["party"] or " ".join(names).strip()
            row.values["party_abbreviation"] = row.values["party_abbreviation"] or row.values["party"]
        gender = row.values["gender"] or "unknown"
        if not _GENDER.fullmatch(gender):
            raise row.refused(
                f"`gender` is {gender!r}", "Write female, male, non-binary or another word in lower case."
            )
        candidate = Candidate(
            *names,
            gender,
            row.text("party"),
            row.text("party_abbreviation"),
            row.count("votes"),
            row.values.get("candidate_id") or None,
            kind,
        )
        found[contest_id].append((row, candidate))
    for lines in found.values():
        standing.check(lines)
    return found


def _kind(row: Row) -> Kind:
    given = row.values.get("kind") or "person"
    for kind in get_args(Kind):
        if kind == given:
            return kind
    raise row.refused(f"`kind` is {given!r}", f"Write {', '.join(get_args(Kind))}, or leave it empty for a person.")


def _is_replay(
    contests: Mapping[str, tuple[Row, Contest]], standing: Mapping[str, list[tuple[Row, Candidate]]]
) -> bool:
    """True when every figure is given, False when none is; part of them is neither a replay nor a simulation."""
    given = [(row, c.votes is not None, "votes") for people in standing.values() for row, c in people]
    for row, contest in contests.values():
        given += [(row, contest.valid_votes is not None, "valid_votes")]
        given += [(row, contest.invalid_votes is not None, "invalid_votes")]
    replay = any(is_given for _, is_given, _ in given)
    if replay:
        given += [(row, bool(row.values["electorate"]), "electorate") for row, _ in contests.values()]
    for row, is_given, column in given:
        if is_given != replay:
            what = f"`{column}` is empty, while other lines have official figures"
            raise row.refused(what, "Fill in all figures (a replay), or leave all of them empty (simulated).")
    return replay


def _check_votes(row: Row, candidates: list[Candidate]) -> None:
    electorate, valid, invalid = (row.count(name) or 0 for name in ("electorate", "valid_votes", "invalid_votes"))
    votes = sum(candidate.votes or 0 for candidate in candidates)
    contest_id = row.values["contest_id"]
    if votes != valid:
        what = f"the candidates of {contest_id} have {votes} votes in candidates.csv, `valid_votes` is {valid}"
        raise row.refused(what, "Correct the votes or `valid_votes`: they must add up.")
    if valid + invalid > electorate:
        what = f"{contest_id} has {valid} valid + {invalid} invalid ballots, more than its electorate of {electorate}"
        raise row.refused(what, "Correct the ballots or `electorate`.")


def _parties(description: Description, candidates: list[Candidate]) -> tuple[Party, ...]:
    """Those that stand, in the order of scenario.toml, then of candidates.csv; unnamed ones by their commonest name."""
    named: dict[str, Counter[str]] = {}
    for candidate in candidates:
        named.setdefault(candidate.party_abbreviation, Counter())[candidate.party] += 1
    listed = [party for party in description.parties if party.abbreviation in named]
    known = {party.abbreviation for party in listed}
    return (
        *listed,
        *(Party(short, most.most_common(1)[0][0]) for short, most in named.items() if short not in known),
    )
