"""Publishes the candidates, so that readers know those without a vote."""

from election.contracts import topics
from election.contracts.messages import SCHEMA_VERSION, CandidateRecord, encode
from election.messaging.clients import SafeProducer
from election.platform import Platform
from election.storage.elections import election


def publish_candidates(platform: Platform, slug: str) -> int:
    """Writes every candidate to the compacted topic under ``election/candidate``; again changes nothing.

    Returns their number.
    """
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        rows = connection.execute(
            """SELECT c.contest_no, n.contest_id, n.name, c.candidate_no, btrim(c.given_name || ' ' || c.family_name),
                      c.party_abbreviation, c.party, c.candidate_id, c.kind, n.unopposed
               FROM candidates c JOIN contests n USING (election_no, contest_no)
               WHERE election_no = %s ORDER BY c.candidate_no""",
            [poll.election_no],
        ).fetchall()
    producer = SafeProducer(platform.kafka)
    for contest, contest_id, contest_name, candidate, name, party, party_name, *who in rows:
        record = CandidateRecord(
            SCHEMA_VERSION,
            poll.election_no,
            slug,
            contest,
            contest_id,
            contest_name,
            candidate,
            name,
            party,
            party_name,
            *who,
        )
        producer.produce(topics.CANDIDATES, encode(record), f"{poll.election_no}/{candidate}".encode())
    producer.flush()
    return len(rows)
