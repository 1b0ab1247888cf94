"""Reads the ``public_…`` views, which every reading role may see, as classes of ``election.contracts.public``."""

from typing import Any, LiteralString

from psycopg.rows import class_row, dict_row

from election.contracts.public import BallotPaper, Decision, Party, Quarantine, Validation, Verdict
from election.outcome import How
from election.platform import Connection


def there(connection: Connection, view: str) -> bool:
    """Whether the database has that table or view; an older version may not have it."""
    return connection.execute("SELECT to_regclass(%s) IS NOT NULL", [view]).fetchone() == (True,)


def parties(connection: Connection, election_no: int) -> dict[str, Party]:
    """The election's parties by abbreviation."""
    query: LiteralString = "SELECT abbreviation, name, colour FROM public_parties WHERE election_no = %s"
    with connection.cursor(row_factory=class_row(Party)) as cursor:
        return {party.abbreviation: party for party in cursor.execute(query, [election_no])}


def newest_decision(connection: Connection, election_no: int) -> Decision | None:
    """The newest certification or refusal; None before the first decision."""
    with connection.cursor(row_factory=class_row(Decision)) as cursor:
        return cursor.execute(
            """SELECT decision, decided_by, reason, decided_at, verdict_no FROM public_certifications
               WHERE election_no = %s ORDER BY certification_no DESC LIMIT 1""",
            [election_no],
        ).fetchone()


def verdicts(connection: Connection, election_no: int) -> dict[str, Verdict]:
    """The newest verdict of each kind, by kind, in the order of time."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            """SELECT given_at, ok, registered, stored, counted, rejected, published, differences, kind
               FROM (SELECT DISTINCT ON (kind) * FROM public_verdicts WHERE election_no = %s
                     ORDER BY kind, verdict_no DESC) AS newest
               ORDER BY verdict_no""",
            [election_no],
        ).fetchall()
    return {row["kind"]: Verdict(**{**row, "differences": tuple(map(_sentence, row["differences"]))}) for row in rows}


def validations(connection: Connection, election_no: int) -> tuple[Validation, ...]:
    """The latest validation at each checkpoint, in the order of time."""
    with connection.cursor(row_factory=class_row(Validation)) as cursor:
        rows = cursor.execute(
            """SELECT * FROM (
                   SELECT DISTINCT ON (checkpoint) checkpoint, validated_at, ok, expectations, failed, report
                   FROM public_validations WHERE election_no = %s ORDER BY checkpoint, validated_at DESC
               ) AS latest ORDER BY validated_at""",
            [election_no],
        )
        return tuple(rows)


def quarantines(connection: Connection, election_no: int) -> tuple[Quarantine, ...]:
    """Every quarantine of the election, oldest first."""
    with connection.cursor(row_factory=class_row(Quarantine)) as cursor:
        rows = cursor.execute(
            """SELECT decided_at, decided_by, reason, messages FROM public_quarantines
               WHERE election_no = %s ORDER BY quarantine_no""",
            [election_no],
        )
        return tuple(rows)


def ballot_papers(connection: Connection, election_no: int) -> tuple[BallotPaper, ...]:
    """The ballot paper of each district, in the districts' order."""
    rows = connection.execute(
        """SELECT district_no, district_id, name, registered, array_agg(contest_no ORDER BY position)
           FROM public_districts JOIN public_papers USING (election_no, district_no)
           WHERE election_no = %s GROUP BY 1, 2, 3, 4 ORDER BY 1""",
        [election_no],
    )
    return tuple(BallotPaper(number, own, name, voters, tuple(paper)) for number, own, name, voters, paper in rows)


def elected(connection: Connection, election_no: int) -> dict[int, dict[int, How]] | None:
    """How each certified winner was elected, by contest and line; None if the certification did not record it."""
    found: dict[int, dict[int, How]] = {}
    for contest, candidate, how in connection.execute(
        """SELECT contest_no, candidate_no, how FROM public_certified_elected
           WHERE election_no = %s ORDER BY contest_no, position""",
        [election_no],
    ):
        found.setdefault(contest, {})[candidate] = how
    return found or None


def certified_districts(connection: Connection, election_no: int) -> dict[int, dict[int, dict[int, int]]]:
    """Certified votes by contest, number of the district and candidate; empty before the certification."""
    found: dict[int, dict[int, dict[int, int]]] = {}
    for contest, district, candidate, votes in connection.execute(
        """SELECT contest_no, district_no, candidate_no, votes FROM public_certified_district_results
           WHERE election_no = %s AND candidate_no IS NOT NULL""",
        [election_no],
    ):
        found.setdefault(contest, {}).setdefault(district, {})[candidate] = votes
    return found


def certified_outcome(connection: Connection, election_no: int) -> dict[str, Any] | None:
    """The ``record`` of the outcome that was certified; None before, and where an older version certified it."""
    row = connection.execute(
        "SELECT outcome FROM public_certified_outcomes WHERE election_no = %s", [election_no]
    ).fetchone()
    return row[0] if row else None


def _sentence(difference: dict[str, Any]) -> str:
    return "{what} {key}: expected {expected}, found {found}".format(**difference)
