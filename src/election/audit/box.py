"""The box: a record on paper of what was voted, laid down before the count and independently of it.

Its writer logs in as ``election_box``, which reads no vote, no message and no total: what a paper says comes from the
voters' behaviour, a function of the election's seed. Papers lie by contest and place, in the order of their imprints,
the ballot ids: that order says nothing about who voted when.
"""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from hashlib import sha256
from random import Random
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from psycopg.types.json import Jsonb

from election import behaviour
from election.audit.faults import Faults, Says, plant
from election.behaviour.deciding import GENDERS
from election.contracts.ages import AGE_GROUPS, last_births
from election.contracts.ballots import ballot_ids
from election.errors import BadInput, StageFailed
from election.outcome import Rules, decide
from election.platform import Connection, Platform
from election.storage.ballots import ballot_key
from election.storage.columns import columns
from election.storage.elections import Election, election
from election.storage.races import races

MOST_PAPERS = 1_000
"""Papers of a box; a place with more has several boxes."""
IMPRINT_BYTES = 16
_Papers = list[tuple[int, bytes, int]]
"""(location, imprint, what the paper says) of a contest."""


def lay_down(platform: Platform, slug: str, by: str, faults: Faults | None = None) -> dict[str, int]:
    """Fills the boxes of an election and closes them; returns the numbers of ``boxes`` and ``papers``.

    Boxes that are closed stay as they are. Raises StageFailed with what the database says once the ballots are
    counted, and for ballots from outside; BadInput for faults that there is no room for.
    """
    faults = faults or Faults()
    with platform.connect("box") as connection:
        poll = election(connection, slug)
        known = _laid(connection, poll.election_no)
        if known["boxes"]:
            return known
    if poll.ballots == "external":
        raise StageFailed(f"The ballots of {slug} come from outside, and so would their papers: there is no box.")
    with platform.connect("box") as connection:
        _require_plain(connection, poll)
    try:
        with platform.connect("box") as connection:
            _fill(connection, poll, faults)
            connection.execute(
                "INSERT INTO box.closed (election_no, laid_by, faults) VALUES (%s, %s, %s)",
                [poll.election_no, by, Jsonb(asdict(faults))],
            )
    except (psycopg.errors.RaiseException, psycopg.errors.UniqueViolation) as refusal:
        with platform.connect("box") as connection:
            known = _laid(connection, poll.election_no)
        if not known["boxes"]:
            raise refused(refusal) from None
        return known  # another process laid them down at the same time
    with platform.connect("box") as connection:
        return _laid(connection, poll.election_no)


def manifest(connection: Connection, election_no: int) -> tuple[list[dict[str, Any]], str]:
    """Every box with its contest, location and number of papers; and a SHA-256 over these and the imprints.

    The latter is of a line a box, ``box,contest,location,papers,`` and the SHA-256 of its imprints in hexadecimal.
    """
    digest, listed = sha256(), []
    for box, contest, location, papers, imprints in connection.execute(
        """SELECT box_no, contest_no, location_no, papers, encode(sha256(imprints), 'hex') FROM boxes
           WHERE election_no = %s ORDER BY box_no""",
        [election_no],
    ):
        digest.update(f"{box},{contest},{location},{papers},{imprints}\n".encode())
        listed.append({"box": box, "contest": contest, "location": location, "papers": papers, "imprints": imprints})
    return listed, digest.hexdigest()


def refused(refusal: psycopg.Error) -> StageFailed:
    """What the database said, and what to do, as an error for a person."""
    return StageFailed(" ".join(filter(None, (refusal.diag.message_primary, refusal.diag.message_hint))))


def _require_plain(connection: Connection, poll: Election) -> None:
    """Raises StageFailed unless each voter has one vote, and each contest is for one seat in one district."""
    (others,) = connection.execute(
        """SELECT EXISTS (SELECT FROM contests WHERE election_no = %(no)s AND (kind <> 'candidates' OR seats > 1))
               OR EXISTS (SELECT FROM papers WHERE election_no = %(no)s AND position > 1)
               OR EXISTS (SELECT FROM papers WHERE election_no = %(no)s GROUP BY contest_no HAVING count(*) > 1)""",
        {"no": poll.election_no},
    ).fetchone() or (False,)
    if others:
        raise StageFailed(
            f"{poll.slug} cannot be audited on paper: an audit takes elections in which every district elects one "
            "person in one contest. Run it without a box."
        )


def _laid(connection: Connection, election_no: int) -> dict[str, int]:
    row = connection.execute(
        "SELECT count(*), coalesce(sum(papers), 0)::bigint FROM boxes WHERE election_no = %s", [election_no]
    ).fetchone() or (0, 0)
    return {"boxes": row[0], "papers": row[1]}


def _fill(connection: Connection, poll: Election, faults: Faults) -> None:
    no, box_no = poll.election_no, 0
    contested = [race.number for race in races(connection, no) if not race.unopposed]
    target = faults.contest if faults.contest is not None else contested[0] if contested else None
    if faults.planned and target not in contested:
        raise BadInput(f"Contest {target} of {poll.slug} has no papers to plant faults in.")
    for contest, papers in _by_contest(connection, poll):
        boxes = list(_boxes(papers))
        says = [np.array([paper for _, _, paper in box], np.int32) for box in boxes]
        if faults.planned and contest == target:
            says = plant(says, faults, *_first_two(connection, poll, contest, says), Random(f"{poll.seed}/{no}"))
        with connection.cursor() as cursor:
            for box, written in zip(boxes, says, strict=True):
                box_no += 1
                cursor.execute(
                    "INSERT INTO boxes VALUES (%s, %s, %s, %s, %s, %b)",
                    [no, box_no, contest, box[0][0], len(box), b"".join(imprint for _, imprint, _ in box)],
                )
                cursor.execute(
                    "INSERT INTO box.papers VALUES (%s, %s, %b)", [no, box_no, written.astype(">i4").tobytes()]
                )


def _boxes(papers: _Papers) -> Iterator[_Papers]:
    """By place and imprint, and no box with more than MOST_PAPERS."""
    box: _Papers = []
    for paper in sorted(papers):
        if box and (paper[0] != box[0][0] or len(box) == MOST_PAPERS):
            yield box
            box = []
        box.append(paper)
    if box:
        yield box


def _first_two(connection: Connection, poll: Election, contest: int, says: list[Says]) -> tuple[int, int]:
    """Lines of the winner and of the next candidate by the papers themselves."""
    (race,) = [race for race in races(connection, poll.election_no) if race.number == contest]
    numbers, counts = np.unique(np.concatenate(says), return_counts=True)
    outcome = decide(race, dict(zip(numbers.tolist(), counts.tolist(), strict=True)), Rules(), over=True)
    if len(outcome.standings) < 2:
        raise BadInput("There is one candidate alone: no ballot can be counted for another one.")
    first, second = (
        max(zip(standing.by_line, standing.contender.lines, strict=True), key=lambda one: one[0])[1].number
        for standing in outcome.standings[:2]
    )
    return first, second


def _by_contest(connection: Connection, poll: Election) -> Iterator[tuple[int, _Papers]]:
    """The papers of each contest in turn: voters are numbered by district, and each contest has one."""
    decides, imprint = (
        behaviour.load(connection, poll.election_no),
        ballot_ids(ballot_key(connection, poll.election_no)),
    )
    (contests,) = decides.contests
    current, papers = 0, _Papers()
    for voters in columns(
        connection,
        """SELECT voter_no, district_no, location_no, gender, date_of_birth FROM voters
           WHERE election_no = current_setting('query.election')::int ORDER BY election_no, voter_no""",
        {"election": poll.election_no},
    ):
        number = voters["voter_no"].to_numpy().astype(np.int64)
        district = voters["district_no"].to_numpy().astype(np.int64)
        (choices,) = decides.choose(number, district, _gender(voters), _age_group(voters, poll.polling_day))
        for voter, where, place, says in zip(
            number.tolist(),
            district.tolist(),
            voters["location_no"].to_pylist(),
            choices.candidate.tolist(),
            strict=True,
        ):
            if says == behaviour.ABSTAINS:
                continue
            if (own := contests[where]) != current:
                if papers:
                    yield current, papers
                current, papers = own, []
            papers.append((place, imprint(voter), says))
    if papers:
        yield current, papers


def _gender(voters: pa.RecordBatch) -> NDArray[np.int64]:
    positions: NDArray[np.int64] = pc.index_in(voters["gender"], pa.array(GENDERS)).to_numpy().astype(np.int64)
    return positions


def _age_group(voters: pa.RecordBatch, polling_day: date) -> NDArray[np.int64]:
    """Positions in AGE_GROUPS: of the groups that a voter is old enough for, the oldest."""
    births = np.array(last_births(polling_day)[::-1], "datetime64[D]")
    born = voters["date_of_birth"].to_numpy(zero_copy_only=False)
    return len(AGE_GROUPS) - 1 - np.searchsorted(births, born).astype(np.int64)
