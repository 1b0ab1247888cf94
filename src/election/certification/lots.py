"""Recording the lot that settled a tie. The rules are the database's own (``storage/outcome.sql``)."""

import json
from collections.abc import Sequence

import psycopg

from election.errors import BadInput, StageFailed
from election.platform import Connection, Platform
from election.storage.elections import election
from election.storage.races import races
from election.text import folded


def record_lot(platform: Platform, slug: str, contest: str, elected: Sequence[str], by: str, reason: str) -> int:
    """Records whom the lot chose where the count ended in a tie; returns the lot's number.

    ``contest`` is an id or a name; empty for seats of parties in the whole election. ``elected`` are names, or numbers
    where two have one name; parties by abbreviation. The newest verdict says what the lot decides. Raises BadInput for
    one that is not there, StageFailed with what the database says when it refuses.
    """
    if not reason.strip():
        raise BadInput("A lot needs a reason. Say in a sentence who drew it, when and before whom.")
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        if contest.strip():
            contest_no = _contest(connection, poll.election_no, contest)
            chosen: list[int | str] = [_candidate(connection, poll.election_no, contest_no, one) for one in elected]
        else:
            contest_no, chosen = None, list(elected)
        step = _step(connection, poll.election_no, contest_no)
        try:
            row = connection.execute(
                "SELECT record_lot(%s, %s, %s, %s, %s, %s)",
                [slug, contest_no, step, json.dumps(chosen), by, reason.strip()],
            ).fetchone()
        except psycopg.errors.RaiseException as refusal:
            said = filter(None, (refusal.diag.message_primary, refusal.diag.message_hint))
            raise StageFailed(" ".join(said)) from None
    assert row is not None
    return int(row[0])


def _step(connection: Connection, election_no: int, contest_no: int | None) -> str:
    """What the next lot there decides, as the newest verdict says; a lot of one seat if it names no tie."""
    row = connection.execute(
        "SELECT outcome -> 'ties' FROM verdicts WHERE election_no = %s ORDER BY verdict_no DESC LIMIT 1", [election_no]
    ).fetchone()
    ties = (row[0] if row else None) or []
    return next((tie["step"] for tie in ties if tie["contest"] == contest_no), "seat")


def _contest(connection: Connection, election_no: int, wanted: str) -> int:
    known: list[tuple[int, str, str]] = connection.execute(
        "SELECT contest_no, contest_id, name FROM contests WHERE election_no = %s", [election_no]
    ).fetchall()
    found = [no for no, *labels in known if folded(wanted) in map(folded, labels)]
    if len(found) != 1:
        what = f"{len(found)} contests are called" if found else "There is no contest"
        raise BadInput(f"{what} {wanted!r}. Give its id, as `election results` shows it.")
    return found[0]


def _candidate(connection: Connection, election_no: int, contest_no: int, wanted: str) -> int:
    (race,) = [race for race in races(connection, election_no) if race.number == contest_no]
    found = [c for c in race.contenders if folded(wanted) in (folded(c.name), str(c.number))]
    if len(found) != 1:
        names = ", ".join(f"{c.name} ({c.party}): {c.number}" for c in race.contenders)
        what = f"{len(found)} candidates are called" if found else "No candidate is called"
        raise BadInput(f"{what} {wanted!r}. Give a name or a number of these: {names}.")
    return found[0].number
