"""The ``elections`` table: an election by its slug, and the changes of its state."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

from psycopg.rows import class_row

from election.contracts.public import ElectionKind, Series, State
from election.errors import StageFailed, UnknownElection
from election.parameters import Ballots
from election.platform import Connection

_COLUMNS = """election_no, slug, scenario, name, polling_day, kind, source, seed, series, parameters, state,
              registered_at, opened_at, closed_at, counted_at, votes_from, voters_from, voters_to,
              ballots_from, ballots_open, ballots_to"""

# The first part of an advisory lock's two-part key. Any number that no other lock uses.
_STATE_LOCK = 1


@dataclass(frozen=True)
class Election:
    """A row of ``elections``. Offsets are by partition number (as text, from JSON)."""

    election_no: int
    slug: str
    scenario: str
    name: str
    polling_day: date
    kind: ElectionKind
    source: Literal["offline", "randomuser"]
    seed: int
    series: Series
    parameters: dict[str, Any]
    state: State
    registered_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    counted_at: datetime | None
    votes_from: dict[str, int]
    voters_from: dict[str, int] | None
    voters_to: dict[str, int] | None
    ballots_from: dict[str, int] | None
    ballots_open: dict[str, int] | None
    ballots_to: dict[str, int] | None

    @property
    def ballots(self) -> Ballots:
        """``simulated``: casting workers decide for the voters; ``external``: ballots arrive on ``ballots_topic``."""
        return "external" if self.parameters.get("ballots") == "external" else "simulated"


def election(connection: Connection, slug: str) -> Election:
    """The election with that slug. Raises UnknownElection, which names the known ones."""
    with connection.cursor(row_factory=class_row(Election)) as cursor:
        found = cursor.execute(f"SELECT {_COLUMNS} FROM elections WHERE slug = %s", [slug]).fetchone()
    if found is None:
        raise UnknownElection(slug, [known.slug for known in elections(connection)])
    return found


def elections(connection: Connection) -> list[Election]:
    """All elections, the newest first."""
    with connection.cursor(row_factory=class_row(Election)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM elections ORDER BY election_no DESC").fetchall()


def held(connection: Connection, slug: str) -> Election:
    """Reads the election under a shared lock: ``move`` cannot change its state until this transaction ends."""
    # An advisory lock queues fairly. With many workers, closing the poll would wait for a row lock forever.
    connection.execute(
        "SELECT pg_advisory_xact_lock_shared(%s, election_no) FROM elections WHERE slug = %s", [_STATE_LOCK, slug]
    )
    return election(connection, slug)


def read_whole_elections(connection: Connection, *, session: bool = False) -> None:
    """Turns nested loops off, for this transaction or the whole session, because queries read a whole election.

    A young election may have no statistics yet. The planner would then expect one row in place of a million, and choose
    a nested loop that never ends.
    """
    connection.execute("SELECT set_config('enable_nestloop', 'off', %s)", [not session])


_ORDER: tuple[State, ...] = get_args(State)


def move(connection: Connection, election_no: int, state: State) -> bool:
    """Moves the election to ``state`` and records the time. False when it is in that state already, or past it.

    Raises StageFailed when the election has not reached the state before: a stage was started too early.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_STATE_LOCK, election_no])
    before = _ORDER[_ORDER.index(state) - 1]
    noted = {"open": "opened_at", "closed": "closed_at", "counted": "counted_at"}[state]
    moved = connection.execute(
        f"UPDATE elections SET state = %s, {noted} = now() WHERE election_no = %s AND state = %s",
        [state, election_no, before],
    ).rowcount
    if moved:
        return True
    found = connection.execute("SELECT state FROM elections WHERE election_no = %s", [election_no]).fetchone()
    if found is not None and _ORDER.index(found[0]) >= _ORDER.index(state):
        return False
    raise StageFailed(
        f"The election is {found[0] if found else 'gone'} and cannot become {state} before it was {before}. "
        "Run the stages in their order: prepare, seed, publish, cast, tally, reconcile."
    )
