"""The contenders of an election's contests, as ``election.outcome`` takes them."""

from collections import defaultdict

from psycopg.rows import class_row

from election.contracts.public import LINE_SQL
from election.outcome import Line, Race, contenders
from election.platform import Connection


def races(connection: Connection, election_no: int) -> list[Race]:
    """Every contest with its contenders, by contest number."""
    lines: dict[int, list[Line]] = defaultdict(list)
    with connection.cursor(row_factory=class_row(Line)) as cursor:
        for line in cursor.execute(
            f"SELECT {LINE_SQL} FROM candidates WHERE election_no = %s ORDER BY candidate_no", [election_no]
        ):
            lines[line.contest].append(line)
    contests = connection.execute(
        "SELECT contest_no, registered, unopposed FROM contests WHERE election_no = %s ORDER BY contest_no",
        [election_no],
    )
    return [
        Race(number, contenders(lines[number]), registered, unopposed) for number, registered, unopposed in contests
    ]


def lots(connection: Connection, election_no: int) -> dict[int, int]:
    """The line on which the newest recorded lot fell, by contest number."""
    rows = connection.execute(
        """SELECT DISTINCT ON (contest_no) contest_no, candidate_no FROM public_lots WHERE election_no = %s
           ORDER BY contest_no, lot_no DESC""",
        [election_no],
    )
    return dict(rows.fetchall())
