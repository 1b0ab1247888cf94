"""Loads the offline electorate: the next batch is made while Postgres takes in the last."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

from election.electorate.offline import COLUMNS, People
from election.electorate.places import Homes, Roll
from election.platform import Connection
from election.storage.elections import Election

# Voters in one piece of COPY: small enough for little memory, large enough for whole columns to pay.
_BATCH = 50_000
# Voters in one transaction: what a killed seeding does again.
_PART = 1_000_000
COPY = f"COPY voters ({', '.join(COLUMNS)}) FROM STDIN"


def store_voters(
    connection: Connection, poll: Election, rolls: Sequence[Roll], stored: int, log: Callable[[str], None]
) -> None:
    """Stores the locations and the voters behind number ``stored``, committing every part."""
    homes = Homes(rolls)
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO locations (election_no, location_no, country, region, city) VALUES (%s, %s, %s, %s, %s)
               ON CONFLICT (election_no, location_no) DO NOTHING""",
            [(poll.election_no, place.location, place.country, place.region, place.city) for place in homes.places],
        )
    people = People(poll.election_no, poll.seed, poll.polling_day, rolls, homes)
    total = rolls[-1].first_voter_no + rolls[-1].registered - 1
    started, begun = time.monotonic(), stored
    for first in range(stored + 1, total + 1, _PART):
        last = min(first + _PART - 1, total)
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for text in ahead(people, first, last):
                copy.write(text)
        connection.commit()
        rate = (last - begun) / (time.monotonic() - started)
        log(f"{last:,} of {total:,} voters stored, {rate:,.0f}/s, {(total - last) / rate:.0f} s to go.")


def ahead(people: People, first: int, last: int, batch: int = _BATCH) -> Iterator[bytes]:
    """Voters ``first`` to ``last`` as COPY's text, in batches; one batch is made ahead in a thread of its own."""
    ranges = [(begin, min(begin + batch - 1, last)) for begin in range(first, last + 1, batch)]
    with ThreadPoolExecutor(1) as maker:
        waiting = maker.submit(text, people, *ranges[0])
        for following in ranges[1:]:
            done, waiting = waiting, maker.submit(text, people, *following)
            yield done.result()
        yield waiting.result()


def text(people: People, first: int, last: int) -> bytes:
    """Voters ``first`` to ``last`` as COPY's text: the lists hold no tab, line break or backslash to escape."""
    buffer = BytesIO()
    people.batch(first, last).write_csv(buffer, include_header=False, separator="\t", quote_style="never")
    return buffer.getvalue()
