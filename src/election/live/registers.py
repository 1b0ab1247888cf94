"""Reads what the public may know of each election from Postgres, in a thread of its own.

The role behind it may read the ``public_…`` views alone: no voter and no vote.
"""

import logging
import threading
import time
import tomllib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from election import scenarios
from election.contracts.ballots import Place
from election.contracts.public import LINE_SQL
from election.errors import BadInput, ElectionError
from election.live.reach import Pulse
from election.live.register import (
    Candidate,
    Contest,
    Counted,
    Election,
    LogHead,
    Register,
    SignedHead,
    told_apart,
)
from election.outcome import rules_of
from election.platform import Connection
from election.scenarios import Earlier
from election.storage import public
from election.storage.races import lots

_POLL_SECONDS = 1.0
_LOOKED_AT_SECONDS = 60.0
_PHOTOS = 500
_LIMIT = "SET statement_timeout = '10s'"
log = logging.getLogger(__name__)
Row = dict[str, Any]
Read = TypeVar("Read")
_OLDER = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.InsufficientPrivilege)
"""What Postgres says of tables that an older version made. The next run upgrades them and grants the rights."""


class RegisterReader:
    """The elections, and the registers of those that someone has asked for."""

    def __init__(self, connect: Callable[[], Connection], scenarios: Path) -> None:
        self._connect = connect
        self._scenarios = scenarios
        self._asked: dict[str, float] = {}
        self._looked_for: frozenset[str] = frozenset()
        self._photos: dict[tuple[int, int], bytes] = {}
        self._wake = threading.Event()
        self._polled = threading.Condition()
        self._stop = threading.Event()
        self.elections: tuple[Election, ...] = ()
        self.registers: dict[str, Register] = {}
        self.version = 0
        self.pulse = Pulse("Postgres")

    def start(self) -> None:
        threading.Thread(target=self._run, name="register-reader", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    def register(self, slug: str, wait: float = 3.0) -> Register | None:
        """The election's register; the first who asks waits up to ``wait`` seconds for it."""
        with self._polled:
            new = slug not in self._asked
            self._asked[slug] = time.monotonic()
            if new:
                self._wake.set()
                self._polled.wait_for(lambda: slug in self._looked_for, timeout=wait if self.pulse.now.ok else 0)
        return self.registers.get(slug)

    def photo(self, election: int, candidate: int) -> bytes | None:
        """A candidate's picture as it was stored. Raises NotReachable, psycopg.Error."""
        key = (election, candidate)
        found = self._photos.get(key)
        if found is None and (found := self._photo(election, candidate)) is not None:
            if len(self._photos) >= _PHOTOS:
                self._photos.clear()
            self._photos[key] = found
        return found

    def heads(self, slug: str, beyond: int = 0) -> list[SignedHead]:
        """Signed heads of the election's log of more than ``beyond`` entries, the oldest first.

        Raises NotReachable, psycopg.Error.
        """
        with self._connect() as connection:
            return [SignedHead(**row) for row in _rows(connection, _HEADS, {"slug": slug, "beyond": beyond})]

    def _photo(self, election: int, candidate: int) -> bytes | None:
        with self._connect() as connection:
            found = connection.execute(
                "SELECT photo FROM public_candidates WHERE election_no = %s AND candidate_no = %s",
                [election, candidate],
            ).fetchone()
        return bytes(found[0]) if found and found[0] else None

    def _run(self) -> None:
        connection: Connection | None = None
        while not self._stop.is_set():
            self._wake.clear()
            wanted = self._lately_asked()
            try:
                if connection is None:
                    connection = self._connect()
                    connection.autocommit = True
                    connection.execute(_LIMIT)
                if public.there(connection, "public_elections"):
                    self._poll(connection, wanted)
                    self.pulse.answered()
                else:  # the first run creates it; asking for it would leave an error a second in Postgres's log
                    self.pulse.answered(("tables",))
                self._looked_for = wanted
            except _OLDER:
                self.pulse.answered(("tables",))
                self._looked_for = wanted
            except Exception as error:  # whatever it is, the pages say so, and the next look may do better
                if not isinstance(error, (psycopg.Error, ElectionError)):
                    log.exception("the registers cannot be read")
                self.pulse.failed((str(error) or type(error).__name__).splitlines()[0])
                if connection is not None:
                    connection.close()
                    connection = None
            with self._polled:
                self._forget(wanted)
                self._polled.notify_all()
            self._wake.wait(_POLL_SECONDS)

    def _lately_asked(self) -> frozenset[str]:
        """The elections that are being watched; the others cost no query."""
        with self._polled:
            now = time.monotonic()
            self._asked = {slug: at for slug, at in self._asked.items() if now - at < _LOOKED_AT_SECONDS}
            return frozenset(self._asked)

    def _forget(self, wanted: frozenset[str]) -> None:
        """Requested names that are not elections; bounded, so that invented names fill no memory."""
        if self.pulse.now.ok:
            known = {election.slug for election in self.elections}
            for slug in wanted - known:
                self._asked.pop(slug, None)

    def _poll(self, connection: Connection, wanted: frozenset[str]) -> None:
        elections = tuple(_election(row) for row in _rows(connection, _ELECTIONS, {}))
        changed = elections != self.elections
        self.elections = elections
        known_slugs = {election.slug for election in elections}
        if self.registers.keys() - known_slugs:  # removed
            self.registers = {slug: found for slug, found in self.registers.items() if slug in known_slugs}
        for election in elections:
            if election.slug not in wanted:
                continue
            known = self.registers.get(election.slug)
            if known is None or known.election.state == "registered" or known.election.number != election.number:
                known = self._load(connection, election)
            verdicts = public.verdicts(connection, election.number)
            certified = election.state == "certified"
            found = replace(
                known,
                election=election,
                verdict=verdicts.get("reconciliation"),
                recount=verdicts.get("recount"),
                validations=_if_there(connection, "public_validations", public.validations, election.number),
                quarantines=_if_there(connection, "public_quarantines", public.quarantines, election.number),
                head=_head(connection, election.number, "public_log_heads", _HEAD),
                journal_head=_head(connection, election.number, "public_journal_heads", _JOURNAL_HEAD),
                documents=_documents(connection, election.number) if certified else {},
                decision=public.newest_decision(connection, election.number) if election.decided_at else None,
                certified=known.certified or (_certified(connection, election.number) if certified else None),
                elected=known.elected or (public.elected(connection, election.number) if certified else None),
                outcome=known.outcome or (public.certified_outcome(connection, election.number) if certified else None),
                lots=lots(connection, election.number) if election.counted_at else (),
            )
            if found != self.registers.get(election.slug):
                self.registers = {**self.registers, election.slug: found}
                changed = True
        if changed:
            self.version += 1

    def _load(self, connection: Connection, election: Election) -> Register:
        key = {"election": election.number}
        registered: dict[Any, dict[str, int]] = defaultdict(dict)
        for row in _rows(connection, _REGISTERED, key):
            registered[row["dimension"]][row["member"]] = row["registered"]
        scenario = _description(self._scenarios / election.scenario / "scenario.toml")
        turnout = election.expected_turnout
        if turnout is None and election.kind == "simulated":
            turnout = scenario.get("simulation", {}).get("turnout")
        return Register(
            election,
            parties=public.parties(connection, election.number),
            contests=told_apart(Contest(**row) for row in _rows(connection, _CONTESTS, key)),
            candidates=tuple(Candidate(**row) for row in _rows(connection, _CANDIDATES, key)),
            locations={row["location"]: Place(**row) for row in _rows(connection, _LOCATIONS, key)},
            registered=dict(registered),
            expected_turnout=turnout,
            licence=str(scenario.get("licence", "")),
            rules=rules_of({"system": election.system}),
            papers=public.ballot_papers(connection, election.number),
            earlier=_earlier(self._scenarios, election.scenario, _written(self._scenarios / election.scenario)),
        )


_ELECTIONS = "SELECT * FROM public_elections ORDER BY election_no DESC"
_CONTESTS = """
    SELECT contest_no AS number, contest_id AS id, name, region, country, registered, official_valid, official_invalid,
           declared_at, polling_day, unopposed, kind, seats, position
    FROM public_contests WHERE election_no = %(election)s ORDER BY contest_no"""
_CANDIDATES = f"""
    SELECT {LINE_SQL}, photo IS NOT NULL AS photo
    FROM public_candidates WHERE election_no = %(election)s ORDER BY candidate_no"""
_LOCATIONS = """
    SELECT location_no AS location, country, region, city FROM public_locations WHERE election_no = %(election)s
    ORDER BY location_no"""
_REGISTERED = """
    SELECT dimension, member, registered FROM public_registered_counts WHERE election_no = %(election)s
    ORDER BY dimension, member"""
_CERTIFIED_VOTES = "SELECT candidate_no, votes FROM public_certified_results WHERE election_no = %(election)s"
_CERTIFIED_BALLOTS = "SELECT contest_no, valid, invalid FROM public_certified_contests WHERE election_no = %(election)s"
_HEAD = """
    SELECT size, encode(root, 'hex') AS root, verifier_key, sealed_at FROM public_log_heads
    WHERE election_no = %(election)s ORDER BY size DESC LIMIT 1"""
_JOURNAL_HEAD = """
    SELECT size, encode(hash, 'hex') AS root, verifier_key, sealed_at FROM public_journal_heads
    WHERE election_no = %(election)s ORDER BY size DESC LIMIT 1"""
_DOCUMENTS = """
    SELECT format, encode(sha256, 'hex') AS sha256 FROM public_certified_documents WHERE election_no = %(election)s
    ORDER BY format"""
_HEADS = """
    SELECT size, encode(root, 'hex') AS root, verifier_key, sealed_at, h.state, head AS note
    FROM public_log_heads h JOIN public_elections USING (election_no)
    WHERE slug = %(slug)s AND size > %(beyond)s ORDER BY size"""


def _rows(connection: Connection, query: str, parameters: Row) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


def _election(row: Row) -> Election:
    """A view of older tables may lack a column, one of newer tables have one more."""
    row["number"] = row["election_no"]
    return Election(**{field.name: row[field.name] for field in fields(Election) if field.name in row})


def _certified(connection: Connection, election: int) -> Counted | None:
    key = {"election": election}
    votes = {row["candidate_no"]: row["votes"] for row in _rows(connection, _CERTIFIED_VOTES, key)}
    contests = _rows(connection, _CERTIFIED_BALLOTS, key)
    if not contests:
        return None
    return Counted(
        votes,
        {row["contest_no"]: row["valid"] for row in contests},
        {row["contest_no"]: row["invalid"] for row in contests},
        districts=public.certified_districts(connection, election),
    )


def _if_there(
    connection: Connection, view: str, rows: Callable[[Connection, int], tuple[Read, ...]], election: int
) -> tuple[Read, ...]:
    """The election's rows; a platform whose tables are older than the view has none."""
    return rows(connection, election) if public.there(connection, view) else ()


def _head(connection: Connection, election: int, view: str, query: str) -> LogHead | None:
    """A platform whose tables are older than the log or the journal has none."""
    rows = _rows(connection, query, {"election": election}) if public.there(connection, view) else []
    return LogHead(**rows[0]) if rows else None


def _documents(connection: Connection, election: int) -> dict[str, str]:
    """A platform whose tables are older than the records of documents has none."""
    if not public.there(connection, "public_certified_documents"):
        return {}
    return {row["format"]: row["sha256"] for row in _rows(connection, _DOCUMENTS, {"election": election})}


@lru_cache(maxsize=8)  # elections of one scenario share it, and one that waits to be opened is loaded each second
def _earlier(folder: Path, scenario: str, _written: int) -> Earlier | None:
    """The election before, read again once the scenario's description was written again.

    A scenario that was broken since hides no result: the pages then compare with nothing.
    """
    try:
        return scenarios.earlier(folder, scenario)
    except BadInput as error:
        log.warning("No comparison with the election before: %s", error)
        return None


def _written(home: Path) -> int:
    """When the scenario's description was written, in ns; 0 if it is not there."""
    file = home / "scenario.toml"
    return file.stat().st_mtime_ns if file.is_file() else 0


def _description(file: Path) -> Row:
    """The scenario's own words; an election outlives its scenario's folder, so they may be gone."""
    return tomllib.loads(file.read_text()) if file.is_file() else {}
