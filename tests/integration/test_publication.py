"""What publication puts on the topic, and how it reads the voters."""

import msgspec
import pytest

from election.contracts import topics
from election.contracts.ages import AGE_GROUP_SQL
from election.electorate import seed_candidates, seed_voters
from election.errors import NotReachable, StageFailed
from election.messaging.reading import read
from election.preparation import Registration, register
from election.publication import publish_voters
from election.storage.columns import columns
from election.storage.elections import election


@pytest.mark.parametrize("parameters", [{}, {"night": "10m"}], ids=["by number", "a night"])
def test_every_voter_is_on_the_topic_once_and_as_in_the_table(tables, published, parameters):
    poll = published(f"publication-{len(parameters)}", voters=2_000, **parameters)
    begin = {int(partition): offset for partition, offset in poll.voters_from.items()}
    sent = [m for m in read(tables.kafka, topics.VOTERS, begin) if m.offset() < poll.voters_to[str(m.partition())]]
    assert len({message.partition() for message in sent}) == len(poll.voters_to), "every partition has its part"
    messages = {(message.key() or b"").decode(): msgspec.json.decode(message.value() or b"") for message in sent}
    assert len(messages) == len(sent) == 2_000
    with tables.connect("auditor") as connection:
        rows = connection.execute(
            f"""SELECT voter_no, district_no, location_no, gender, {AGE_GROUP_SQL}
                FROM voters JOIN elections USING (election_no) WHERE election_no = %s""",
            [poll.election_no],
        ).fetchall()
    due = [message.pop("due") for message in messages.values() if "due" in message]
    members = ("voter", "district", "location", "gender", "age_group")
    first = {"schema_version": 1, "election": poll.election_no}
    assert messages == {f"{poll.election_no}/{row[0]}": first | dict(zip(members, row, strict=True)) for row in rows}
    assert len(due) == (2_000 if parameters else 0)


def test_voters_are_published_all_or_the_election_has_none_on_the_topic(tables):
    register(tables, Registration("single-race", "publication-short", voters=100))
    seed_candidates(tables, "publication-short")
    seed_voters(tables, "publication-short")
    with tables.connect("owner") as connection:
        number = election(connection, "publication-short").election_no
        connection.execute("DELETE FROM voters WHERE election_no = %s AND voter_no = 7", [number])
    with pytest.raises(StageFailed, match="99 voters are stored but 100 are registered"):
        publish_voters(tables, "publication-short")
    with tables.connect("reader") as connection:
        assert election(connection, "publication-short").voters_to is None


def test_postgres_that_goes_away_while_columns_are_read_is_said_without_a_password(tables):
    query = "SELECT repeat('away', 250) FROM generate_series(1, current_setting('query.rows')::int)"
    with tables.connect("app") as connection:
        batches = columns(connection, query, {"rows": 200_000})
        next(batches)
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE %s AND pid <> pg_backend_pid()",
            ["COPY%repeat('away'%"],
        )
        with pytest.raises(NotReachable, match="Postgres did not give all the rows") as raised:
            list(batches)
        assert connection.info.password not in str(raised.value)
