"""An election's register in Postgres and its count on the topics, without voters: what screens are tried with.

`python -m tests.dashboard_rehearsal SCENARIO SLUG` plays a night on the platform that the settings describe.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from election import scenarios
from election.contracts import topics
from election.contracts.aggregates import HOUR, TURNOUT_BY_HOUR
from election.contracts.messages import SCHEMA_VERSION, CandidateRecord, TallyProgress, encode
from election.messaging.clients import SafeProducer
from election.messaging.topics import create_topics
from election.platform import Connection, Platform, native
from election.preparation import Registration, create_tables, register
from election.scenarios import Scenario

MINUTE = 1_700_000_040_000 // 60_000 * 60_000
"""A minute of a night, in milliseconds."""
AGES = ("18-24", "25-34", "35-44", "45-54", "55-64", "65-74", "75+")
AGE_SHARES = (0.11, 0.17, 0.17, 0.17, 0.16, 0.12, 0.10)


def set_up(platform: Platform, registration: Registration, photo: bytes | None = None) -> Scenario:
    """Registers the election with its candidates and electorate counts, published, as the stages would leave them."""
    create_tables(platform)
    create_topics(platform)
    number = register(platform, registration).election_no
    scenario = scenarios.load(platform.settings.scenarios, registration.scenario)
    scenario = scenarios.select(scenario, list(registration.contests), registration.region)
    producer = SafeProducer(platform.kafka)
    with platform.connect("owner") as connection:
        candidate_no = 0
        for contest_no, contest in enumerate(scenario.contests, 1):
            where = [number, contest_no, contest.country, contest.region, contest.name]
            connection.execute("INSERT INTO locations VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING", where)
            for dimension in ("district", "location"):
                _put_registered(connection, number, dimension, str(contest_no), contest.electorate)
            for candidate in contest.candidates:
                candidate_no += 1
                abbreviation, party = candidate.party_abbreviation, candidate.party
                connection.execute(
                    "INSERT INTO parties VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", [number, abbreviation, party]
                )
                connection.execute(
                    "INSERT INTO candidates VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    [number, contest_no, candidate_no, candidate.given_name, candidate.family_name, candidate.gender,
                     party, abbreviation, candidate.votes, photo],
                )  # fmt: skip
                name = f"{candidate.given_name} {candidate.family_name}"
                record = CandidateRecord(
                    SCHEMA_VERSION, number, registration.slug, contest_no, contest.contest_id, contest.name,
                    candidate_no, name, abbreviation, party,
                )  # fmt: skip
                producer.produce(topics.CANDIDATES, encode(record), f"{number}/{candidate_no}".encode())
        electorate = sum(contest.electorate for contest in scenario.contests)
        for gender, part in (("female", 0.51), ("male", 0.48), ("non-binary", 0.01)):
            _put_registered(connection, number, "gender", gender, round(electorate * part))
        for age, part in zip(AGES, AGE_SHARES, strict=True):
            _put_registered(connection, number, "age_group", age, round(electorate * part))
    producer.flush()
    return scenario


def _put_registered(connection: Connection, number: int, dimension: str, member: str, registered: int) -> None:
    connection.execute(
        "INSERT INTO registered_counts VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [number, dimension, member, registered],
    )


def election_no(platform: Platform, slug: str) -> int:
    with platform.connect("owner") as connection:
        row = connection.execute("SELECT election_no FROM elections WHERE slug = %s", [slug]).fetchone()
    assert row is not None
    return int(row[0])


def set_state(platform: Platform, slug: str, state: str) -> None:
    with platform.connect("owner") as connection:
        noted = {"open": "opened_at", "closed": "closed_at", "counted": "counted_at"}.get(state, "decided_at")
        # A rehearsal jumps and goes back, which the owner alone could make the database do.
        connection.execute("ALTER TABLE elections DISABLE TRIGGER goes_its_way")
        connection.execute(f"UPDATE elections SET state = %s, {noted} = now() WHERE slug = %s", [state, slug])
        connection.execute("ALTER TABLE elections ENABLE TRIGGER goes_its_way")


def certify(platform: Platform, slug: str, scenario: Scenario) -> None:
    """Leaves behind what a certification of the official result would."""
    number, candidate_no = election_no(platform, slug), 0
    with platform.connect("owner") as connection:
        connection.execute(
            "INSERT INTO certifications (election_no, decision, decided_by, reason) VALUES (%s, 'refused', %s, %s)",
            [number, "Returning <b>officer</b>", "It was rehearsed."],
        )
        for contest_no, contest in enumerate(scenario.contests, 1):
            valid = sum(candidate.votes or 0 for candidate in contest.candidates)
            connection.execute(
                "INSERT INTO certified_contests VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [number, contest_no, contest.contest_id, contest.name, contest.electorate, valid,
                 contest.invalid_votes or 0],
            )  # fmt: skip
            for candidate in contest.candidates:
                candidate_no += 1
                name = f"{candidate.given_name} {candidate.family_name}"
                connection.execute(
                    "INSERT INTO certified_results VALUES (%s, %s, %s, %s, %s, %s)",
                    [number, contest_no, candidate_no, name, candidate.party_abbreviation, candidate.votes],
                )
    set_state(platform, slug, "certified")


class Count:
    """Puts totals of one election on the topics as the stream would: absolute, keyed, a few per batch."""

    def __init__(self, platform: Platform, slug: str, scenario: Scenario, generation: int = 1) -> None:
        self.platform, self.slug, self.scenario, self.generation = platform, slug, scenario, generation
        self.number = election_no(platform, slug)
        self.producer = SafeProducer(platform.login("tally"))
        self.series = "party" if sum(len(c.candidates) for c in scenario.contests) > 20 else "candidate"
        self.minutes: Counter[tuple[int, str, str]] = Counter()
        self.batch = 0
        self.previous: dict[int, int] = {}
        self.hours: Counter[int] = Counter()

    def put(self, topic: str, key: str, **fields: object) -> None:
        common = {"schema_version": SCHEMA_VERSION, "generation": self.generation, "election": self.number}
        self.producer.produce(topic, encode({**common, **fields}), f"{self.number}/{self.generation}/{key}".encode())

    def first_district(self, contest_id: str, unopposed: int) -> int:
        """The number of the first district that has the contest on its ballot paper; its voters cast all votes."""
        return next((no for no, own in enumerate(self.scenario.districts, 1) if contest_id in own.contests), unopposed)

    def show(self, votes_of: Callable[[int, int, int, int], int], minute: int, invalid: float = 1.0) -> int:
        """Publishes totals: ``votes_of(contest_no, candidate_no, index, official)`` so far. Returns ballots counted."""
        ballots, parties, candidate_no = 0, Counter[str](), 0
        genders, ages = Counter[str](), Counter[str]()
        for contest_no, contest in enumerate(self.scenario.contests, 1):
            district = self.first_district(contest.contest_id, contest_no)
            valid = 0
            for index, candidate in enumerate(contest.candidates):
                candidate_no += 1
                votes = votes_of(contest_no, candidate_no, index, candidate.votes or 0)
                party, name = candidate.party_abbreviation, f"{candidate.given_name} {candidate.family_name}"
                valid += votes
                parties[party] += votes
                new = votes - self.previous.get(candidate_no, 0)
                if not new:
                    continue
                self.previous[candidate_no] = votes
                self.put(
                    topics.VOTES_PER_CANDIDATE,
                    f"{district}/{contest_no}/{candidate_no}",
                    votes=votes,
                    district=district,
                    contest=contest_no,
                    contest_name=contest.name,
                    candidate=candidate_no,
                    candidate_name=name,
                    party=party,
                )
                member, label = (party, party) if self.series == "party" else (str(candidate_no), name)
                self.minutes[minute, member, label] += new
            bad = round((contest.invalid_votes or 0) * invalid) if valid else 0
            for validity, number in (("valid", valid), ("invalid", bad)):
                self.put(topics.BALLOTS_PER_CONTEST, f"{district}/{contest_no}/1/{validity}", votes=number,
                         district=district, contest=contest_no, contest_name=contest.name, position=1,
                         validity=validity)  # fmt: skip
            self.put(topics.TURNOUT_BY_LOCATION, str(contest_no), votes=valid + bad, location=contest_no,
                     country=contest.country, region=contest.region, city=contest.name)  # fmt: skip
            ballots += valid + bad
        for party, votes in parties.items():
            self.put(topics.VOTES_PER_PARTY, f"1/{party}", votes=votes, position=1, party=party)
        genders.update({"female": round(ballots * 0.52), "male": round(ballots * 0.47)})
        genders["non-binary"] = ballots - genders.total()
        for gender, votes in genders.items():
            self.put(topics.TURNOUT_BY_GENDER, gender, votes=votes, gender=gender)
        ages.update({age: round(ballots * part) for age, part in zip(AGES, AGE_SHARES, strict=True)})
        ages[AGES[-1]] += ballots - ages.total()
        for age, votes in ages.items():
            self.put(topics.TURNOUT_BY_AGE_GROUP, age, votes=votes, age_group=age)
        for (at, member, label), votes in self.minutes.items():
            if at == minute:
                self.put(topics.VOTES_PER_MINUTE, f"{at}/1/{self.series}/{member}", votes=votes, minute=at, position=1,
                         series=self.series, member=member, label=label)  # fmt: skip
        hour = minute - minute % HOUR
        self.hours[hour] = ballots - sum(votes for at, votes in self.hours.items() if at != hour)
        self.put(TURNOUT_BY_HOUR.topic, str(hour), votes=self.hours[hour], hour=hour)
        self.batch += 1
        progress = TallyProgress(
            SCHEMA_VERSION, self.generation, self.batch, ballots, 3, 2, 0, 2000.0, 2400.0, 310, ballots, ballots * 30,
            "app-rehearsal", "http://127.0.0.1:14040", round(time.time() * 1000), round(time.time() * 1000),
        )  # fmt: skip
        self.producer.produce(topics.TALLY_PROGRESS, encode(progress), str(self.generation).encode())
        self.producer.flush()
        return ballots


def play(platform: Platform, registration: Registration, steps: int, seconds: float) -> None:
    """A night in ``steps`` batches: contests report one after the other, each over a fifth of the night."""
    scenario = set_up(platform, registration)
    count = Count(platform, registration.slug, scenario)
    set_state(platform, registration.slug, "open")
    first = int(datetime.now(UTC).timestamp() // 60 * 60_000)
    contests = len(scenario.contests)
    for step in range(1, steps + 1):

        def so_far(contest: int, candidate: int, index: int, official: int, now: float = step / steps) -> int:
            begin = 0.8 * (contest * 7919 % contests) / contests
            part = min(1.0, max(0.0, (now - begin) / 0.2)) if contests > 1 else now
            wobble = 1 + 0.35 * (1 - part) * (1 if (candidate + index) % 2 else -1)
            return min(official, round(official * part * wobble)) if part < 1 else official

        votes = count.show(so_far, first + step * 60_000, invalid=step / steps)
        print(f"step {step}/{steps}: {votes} ballots", flush=True)  # noqa: T201
        time.sleep(seconds)
    set_state(platform, registration.slug, "counted")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("scenario")
    arguments.add_argument("slug")
    arguments.add_argument("--steps", type=int, default=60)
    arguments.add_argument("--seconds", type=float, default=1.0)
    arguments.add_argument("--contest", action="append", default=[])
    given = arguments.parse_args()
    play(native(), Registration(given.scenario, given.slug, tuple(given.contest)), given.steps, given.seconds)
