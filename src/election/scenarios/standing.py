"""Whether the lines of a contest say who stands: one person on several lines, or several people of one name."""

from collections.abc import Iterable

from election.scenarios.model import Candidate
from election.scenarios.tables import Row
from election.text import folded


def check(lines: Iterable[tuple[Row, Candidate]]) -> None:
    """Raises BadInput at the first line of one contest that could be another line's person, and nothing says so.

    A ``candidate_id`` says it: the same for the lines of one person, different ones for people of one name.
    """
    by_id: dict[str, tuple[Row, Candidate]] = {}
    by_name: dict[str, list[tuple[Row, Candidate]]] = {}
    lines_of: dict[tuple[str, str], Row] = {}
    for row, candidate in lines:
        own = candidate.candidate_id
        if own:
            _check_id(row, candidate, *by_id.setdefault(own, (row, candidate)))
            other = lines_of.setdefault((own, candidate.party), row)
            if other is not row:
                what = f"{_named(candidate)} is there already, in line {other.line}"
                raise row.refused(what, "Give each candidate one line for each party.")
        known = by_name.setdefault(folded(candidate.name), [])
        for other_row, other_candidate in known:
            if not (own and other_candidate.candidate_id):
                _refuse_to_guess(row, candidate, other_row, other_candidate)
        known.append((row, candidate))


def _check_id(row: Row, candidate: Candidate, other_row: Row, other: Candidate) -> None:
    names = [folded(one.name) for one in (candidate, other)]
    if names[0] != names[1] or candidate.kind != "person" != other.kind:
        what = f"`candidate_id` {candidate.candidate_id} is {_named(other)} in line {other_row.line}"
        raise row.refused(what, "Give each person an id of their own, and all lines of one person the same name.")


def _refuse_to_guess(row: Row, candidate: Candidate, other_row: Row, other: Candidate) -> None:
    if candidate.party == other.party:
        what = f"{_named(candidate)} is there already, in line {other_row.line}"
        remedy = "If they are two people of one name, give each a `candidate_id` of their own; else delete one line."
    else:
        what = f"{_named(candidate)} has the same name as {_named(other)} in line {other_row.line}"
        remedy = (
            "Give both lines a `candidate_id`: the same one if they are one person, whose votes are then added up; "
            "different ones if they are two people."
        )
    raise row.refused(what, remedy)


def _named(candidate: Candidate) -> str:
    return f"{candidate.name} ({candidate.party})"
