"""What arrives while the dashboard is measured, from a process of its own: votes, or the totals of a count."""

import random
import time
from collections import defaultdict
from collections.abc import MutableSequence
from dataclasses import dataclass, field
from multiprocessing import parent_process
from typing import get_args

from election import scenarios
from election.contracts import topics
from election.contracts.ballots import Choice, Place, VoteEncoder, ballot_ids
from election.contracts.messages import AgeGroup
from election.messaging.clients import SafeProducer
from election.platform import Platform, native
from election.settings import Settings
from tests.dashboard_rehearsal import Count

SECONDS_OF_MEMORY = 3600


def arrive(settings: Settings, slug: str, rate: int, produced: MutableSequence[float]) -> None:
    """Produces ``rate`` votes a second until it is ended, and notes each one's time in ``produced`` (0: not yet)."""
    platform = native(settings)
    number, encode, candidates = _ballot_paper(platform, slug)
    producer, chance = SafeProducer(platform.kafka), random.Random(2019)
    ballot_id, ages, contests = ballot_ids(bytes(32)), get_args(AgeGroup), list(candidates)
    began = time.time()
    for vote in range(len(produced)):
        if vote % 20 == 0:
            time.sleep(max(0.0, began + vote / rate - time.time()))
            if orphaned():
                return
        contest = chance.choice(contests)
        paper = candidates[contest]
        candidate = None if chance.random() < 0.003 else chance.choices(paper.numbers, cum_weights=paper.official)[0]
        key, gender = ballot_id(number * 1_000_000_000 + vote), "female" if vote % 2 else "male"
        value = encode(
            key, contest, contest, candidate, None, contest, gender, ages[vote % 7], round(time.time() * 1000)
        )
        produced[vote] = time.time()
        producer.produce(topics.VOTES, value, key)


def play_totals(settings: Settings, slug: str) -> None:
    """Puts the totals of every contest on the topics each second, a little larger each time, until it is ended."""
    platform = native(settings)
    count = Count(platform, slug, scenarios.load(settings.scenarios, "uk-general-election-2019"))
    began = int(time.time())
    while not orphaned():
        passed = int(time.time()) - began
        now = (began + passed) // 60 * 60_000
        count.show(lambda _c, _n, _i, votes, part=passed / SECONDS_OF_MEMORY: round(votes * part), now)  # type: ignore[misc]
        time.sleep(max(0.0, began + passed + 1 - time.time()))


def orphaned() -> bool:
    """Whether the measurement that started this process was killed."""
    parent = parent_process()
    return parent is not None and not parent.is_alive()


@dataclass
class Paper:
    """A contest's candidates, and their official votes added up, by which voters choose."""

    numbers: list[int] = field(default_factory=list)
    official: list[int] = field(default_factory=list)


def _ballot_paper(platform: Platform, slug: str) -> tuple[int, VoteEncoder, dict[int, Paper]]:
    """The election's number, what encodes its votes, and the paper of each contest. A place is a contest."""
    with platform.connect("reader") as connection:
        rows = connection.execute(
            """SELECT election_no, contest_no, contests.name, contests.country, contests.region, candidate_no,
                      btrim(given_name || ' ' || family_name), party_abbreviation, official_votes
               FROM elections JOIN contests USING (election_no) JOIN candidates USING (election_no, contest_no)
               WHERE slug = %s""",
            [slug],
        ).fetchall()
    papers: dict[int, Paper] = defaultdict(Paper)
    choices: dict[tuple[int, int | None], Choice] = {}
    places: dict[int, Place] = {}
    for _, contest, name, country, region, candidate, person, party, official in rows:
        paper = papers[contest]
        paper.numbers.append(candidate)
        paper.official.append(official + (paper.official[-1] if paper.official else 0))
        choices[contest, None] = Choice(contest, name, None, None, None)
        choices[contest, candidate] = Choice(contest, name, candidate, person, party)
        places[contest] = Place(contest, country, region, name)
    number = rows[0][0]
    return number, VoteEncoder(number, "party", list(choices.values()), list(places.values())), dict(papers)
