"""An election with every kind of ballot paper, straight in the tables: what the database makes of votes alone."""

from election.platform import Platform

DISTRICTS = {1: 5, 2: 5, 3: 4, 4: 1}
"""Registered voters by district; voters have the numbers 1 to 15 in the order of districts."""
PAPERS = {1: (1, 3), 2: (2, 3), 3: (4,), 4: ()}
"""Contests by position. Contest 5, in district 4, has no poll."""
CONTESTS = {1: "candidates", 2: "candidates", 3: "lists", 4: "ranking", 5: "candidates"}
CANDIDATES = {1: (11, 12), 2: (21, 22), 3: (31, 32), 4: (41, 42, 43), 5: (51,)}


def ballot_papers(platform: Platform, slug: str) -> int:
    """Makes the election; returns its number."""
    with platform.connect("app") as connection, connection.cursor() as cursor:
        (no,) = cursor.execute(
            """INSERT INTO elections (slug, scenario, name, polling_day, kind, source, seed, series, votes_from)
               VALUES (%s, 'tables', 'Tables', '2024-05-02', 'simulated', 'offline', 1, 'party', '{}')
               RETURNING election_no""",
            [slug],
        ).fetchone() or (0,)
        cursor.execute("INSERT INTO parties VALUES (%s, 'P', 'Party', NULL)", [no])
        cursor.execute("INSERT INTO locations VALUES (%s, 1, 'Testland', 'North', 'Town')", [no])
        first = 1
        for district, registered in DISTRICTS.items():
            cursor.execute(
                "INSERT INTO districts VALUES (%s, %s, %s, %s, 'North', 'Testland', %s, %s)",
                [no, district, f"D{district}", f"District {district}", registered, first],
            )
            cursor.execute(
                """INSERT INTO voters SELECT %s, number, %s, 1, 'female', '1980-01-01', 'Dr', 'A', 'B', 'a@example.org',
                                             '07700 900000', '1 High Street', 'XX1 1AA', 'GB'
                   FROM generate_series(%s::int, %s) AS number""",
                [no, district, first, first + registered - 1],
            )
            first += registered
        for contest, kind in CONTESTS.items():
            cursor.execute(
                """INSERT INTO contests (election_no, contest_no, contest_id, name, region, country, registered, kind,
                                         unopposed)
                   VALUES (%s, %s, %s, %s, 'North', 'Testland', 5, %s, %s)""",
                [no, contest, f"C{contest}", f"Contest {contest}", kind, contest == 5],
            )
            cursor.executemany(
                """INSERT INTO candidates (election_no, contest_no, candidate_no, given_name, family_name, gender,
                                           party, party_abbreviation)
                   VALUES (%s, %s, %s, 'A', 'B', 'unknown', 'Party', 'P')""",
                [(no, contest, number) for number in CANDIDATES[contest]],
            )
        for district, paper in PAPERS.items():
            cursor.executemany(
                "INSERT INTO papers VALUES (%s, %s, %s, %s)",
                [(no, district, position, contest) for position, contest in enumerate(paper, 1)],
            )
    return no
