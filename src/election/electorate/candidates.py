"""Registers the candidates, and with them the official results that a replay decides from.

They are those of the scenario, in a simulation also people from randomuser.me in their places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from election import scenarios
from election.electorate import randomuser
from election.electorate.results import store_results
from election.platform import Connection, Platform
from election.scenarios import Candidate, Scenario
from election.settings import Settings
from election.storage.elections import Election, election
from election.storage.scenario import require_unchanged


@dataclass(frozen=True)
class Stand:
    """A candidate with their number in the election, in the contest with that number."""

    candidate_no: int
    contest_no: int
    candidate: Candidate
    photo: bytes | None = None


def seed_candidates(platform: Platform, slug: str) -> int:
    """Stores the candidates of all contests of the election and their official votes; returns how many it has then.

    They are stored all at once, so repeating it stores nothing more. Raises StageFailed when the source gives up.
    """
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        stored = _stored(connection, poll)
        if stored:
            return stored
        scenario = scenarios.load(platform.settings.scenarios, poll.scenario)
        require_unchanged(connection, poll, scenario)
        stands = _stands(connection, poll, scenario)
        votes = store_results(connection, poll, scenario, [(stand.contest_no, stand.candidate_no) for stand in stands])
        # Who stood in a real election stays who they are; only their voters are made up.
        if poll.source == "randomuser" and poll.kind == "simulated":
            stands = _faced(platform.settings, poll, stands)
        _store(connection, poll, stands, votes)
        connection.commit()
        return _stored(connection, poll)


def _stands(connection: Connection, poll: Election, scenario: Scenario) -> list[Stand]:
    by_id = {contest.contest_id: contest for contest in scenario.contests}
    contests = connection.execute(
        "SELECT contest_no, contest_id FROM contests WHERE election_no = %s ORDER BY contest_no", [poll.election_no]
    ).fetchall()
    standing = [(no, candidate) for no, contest_id in contests for candidate in by_id[contest_id].candidates]
    return [Stand(number, contest_no, candidate) for number, (contest_no, candidate) in enumerate(standing, 1)]


def _faced(settings: Settings, poll: Election, stands: Sequence[Stand]) -> list[Stand]:
    """The same parties and genders, with people of the API; a person is one on all of their lines."""
    people: dict[object, str] = {
        _person(stand): stand.candidate.gender for stand in stands if stand.candidate.kind == "person"
    }
    faces = dict(zip(people, randomuser.faces(settings, poll, list(people.values())), strict=True))
    found = []
    for stand in stands:
        face = faces.get(_person(stand))
        if face is None:
            found.append(stand)
            continue
        person = replace(stand.candidate, given_name=face.given_name, family_name=face.family_name)
        found.append(replace(stand, candidate=person, photo=face.photo))
    return found


def _person(stand: Stand) -> object:
    own = stand.candidate.candidate_id
    return (stand.contest_no, own) if own else stand.candidate_no


def _stored(connection: Connection, poll: Election) -> int:
    row = connection.execute("SELECT count(*) FROM candidates WHERE election_no = %s", [poll.election_no]).fetchone()
    return row[0] if row else 0


def _store(connection: Connection, poll: Election, stands: Sequence[Stand], votes: Mapping[int, int]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO candidates (election_no, contest_no, candidate_no, given_name, family_name, gender, party,
                                       party_abbreviation, official_votes, photo, candidate_id, kind)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
               ON CONFLICT (election_no, candidate_no) DO NOTHING""",
            [
                (
                    poll.election_no,
                    stand.contest_no,
                    stand.candidate_no,
                    stand.candidate.given_name,
                    stand.candidate.family_name,
                    stand.candidate.gender,
                    stand.candidate.party,
                    stand.candidate.party_abbreviation,
                    votes.get(stand.candidate_no, stand.candidate.votes),
                    stand.photo,
                    stand.candidate.candidate_id,
                    stand.candidate.kind,
                )
                for stand in stands
            ],
        )
