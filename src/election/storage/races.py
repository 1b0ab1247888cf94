"""An election's contests, lots and stored votes, as ``election.outcome`` takes them."""

from collections import Counter, defaultdict

from psycopg.rows import class_row

from election.contracts.public import LINE_SQL
from election.outcome import Count, Line, Lot, Race, contenders
from election.platform import Connection
from election.storage.expected import DISTRICT_SQL


def races(connection: Connection, election_no: int) -> list[Race]:
    """Every contest with its contenders, by contest number."""
    lines: dict[int, list[Line]] = defaultdict(list)
    with connection.cursor(row_factory=class_row(Line)) as cursor:
        for line in cursor.execute(
            f"SELECT {LINE_SQL} FROM candidates WHERE election_no = %s ORDER BY candidate_no", [election_no]
        ):
            lines[line.contest].append(line)
    contests = connection.execute(
        """SELECT contest_no, registered, unopposed, seats, kind, region, contest_id FROM contests
           WHERE election_no = %s ORDER BY contest_no""",
        [election_no],
    )
    return [
        Race(number, contenders(lines[number]), registered, unopposed, seats, kind, region, contest_id)
        for number, registered, unopposed, seats, kind, region, contest_id in contests
    ]


def lots(connection: Connection, election_no: int) -> list[Lot]:
    """The newest recorded lot of each tie."""
    rows = connection.execute(
        """SELECT DISTINCT ON (contest_no, step, tied)
                  contest_no, step, tied, coalesce(chosen, to_jsonb(ARRAY[candidate_no]))
           FROM public_lots WHERE election_no = %s ORDER BY contest_no, step, tied, lot_no DESC""",
        [election_no],
    )
    return [
        Lot(contest, step, None if tied is None else tuple(tied), tuple(chosen)) for contest, step, tied, chosen in rows
    ]


def stored_count(connection: Connection, election_no: int, *, over: bool) -> Count:
    """What ``election.outcome`` decides from, by the stored votes."""
    votes: Counter[int] = Counter()
    invalid: Counter[int] = Counter()
    divided: dict[int, dict[str, dict[int, int]]] = empty_districts(connection, election_no)
    for contest, district, candidate, number in connection.execute(
        f"""SELECT contest_no, district_id, candidate_no, votes
            FROM (SELECT election_no, contest_no, {DISTRICT_SQL} AS district_no, candidate_no, count(*) AS votes
                  FROM votes WHERE election_no = %(no)s GROUP BY 1, 2, 3, 4) AS summed
            JOIN districts USING (election_no, district_no)""",
        {"no": election_no},
    ):
        if candidate is None:
            invalid[contest] += number
        else:
            votes[candidate] += number
            divided[contest][district][candidate] = number
    rankings: dict[int, dict[tuple[int, ...], int]] = defaultdict(dict)
    for contest, ranking, number in connection.execute(
        """SELECT contest_no, ranking, count(*) FROM votes WHERE election_no = %s AND ranking IS NOT NULL
           GROUP BY 1, 2""",
        [election_no],
    ):
        rankings[contest][tuple(ranking)] = number
    return Count(votes, invalid, rankings, divided, over)


def empty_districts(connection: Connection, election_no: int) -> dict[int, dict[str, dict[int, int]]]:
    """The districts that vote in each contest, by contest number and district id, without a vote."""
    found: dict[int, dict[str, dict[int, int]]] = defaultdict(dict)
    for contest, district in connection.execute(
        """SELECT contest_no, district_id FROM public_papers JOIN public_districts USING (election_no, district_no)
           WHERE election_no = %s ORDER BY contest_no, district_no""",
        [election_no],
    ):
        found[contest][district] = {}
    return found


def district_ids(connection: Connection, election_no: int) -> dict[int, str]:
    """The id of each district, by its number."""
    rows = connection.execute(
        "SELECT district_no, district_id FROM public_districts WHERE election_no = %s", [election_no]
    )
    return dict(rows.fetchall())
