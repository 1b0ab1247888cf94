"""Votes made up for measurements, straight onto ``votes_topic``: 650 contests of five candidates each."""

import random
import time
from dataclasses import dataclass
from typing import get_args

from election.contracts import topics
from election.contracts.ballots import Choice, Place, VoteEncoder, ballot_ids
from election.contracts.messages import AgeGroup
from election.messaging.clients import SafeProducer
from election.platform import Platform

CONTESTS, CANDIDATES = 650, 5
NIGHT = 15 * 3600 * 1000  # milliseconds
OPENING = 1_576_134_000_000
PARTIES = ("Con", "Lab", "LD", "Green", "SNP")


@dataclass(frozen=True)
class Electorate:
    """An election that is in no database. Its votes are the same whenever they are made."""

    election: int

    def encoder(self) -> VoteEncoder:
        choices = []
        for contest in range(1, CONTESTS + 1):
            choices.append(Choice(contest, f"Contest number {contest}", None, None, None))
            for place, party in enumerate(PARTIES):
                number = contest * CANDIDATES + place
                choices.append(
                    Choice(contest, f"Contest number {contest}", number, f"Candidate Number {number}", party)
                )
        places = [Place(n, "England", "North West", f"City {n}") for n in range(1, CONTESTS + 1)]
        return VoteEncoder(self.election, "party", choices, places)


def produce(
    platform: Platform,
    electorate: Electorate,
    votes: int,
    rate: float = 0,
    produced: dict[tuple[int, bool], list[float]] | None = None,
) -> None:
    """Produces the votes, ``rate`` per second (0 = unlimited), and notes when, by contest and validity."""
    producer = SafeProducer(platform.kafka)
    encode, ballot_id, chance = electorate.encoder(), ballot_ids(bytes(32)), random.Random(electorate.election)
    ages, began = get_args(AgeGroup), time.time()
    for vote in range(votes):
        if rate and vote % 20 == 0:
            time.sleep(max(0.0, began + vote / rate - time.time()))
        contest = chance.randrange(1, CONTESTS + 1)
        candidate = None if chance.random() < 0.003 else contest * CANDIDATES + chance.randrange(CANDIDATES)
        key = ballot_id(electorate.election * 1_000_000_000 + vote)
        at = OPENING + vote * NIGHT // votes
        value = encode(
            key, contest, contest, candidate, None, contest, "female" if vote % 2 else "male", ages[vote % 7], at
        )
        if produced is not None:
            produced[contest, candidate is not None].append(time.time())
        producer.produce(topics.VOTES, value, key)
    producer.flush()
