"""Elections that are ready for a stage."""

from collections.abc import Callable

import pytest

from election.casting import open_poll
from election.count import driver
from election.electorate import check_electorate, seed_candidates, seed_voters
from election.messaging.topics import create_topics
from election.platform import Platform
from election.preparation import Registration, create_tables, register
from election.publication import publish_candidates, publish_voters
from election.storage.elections import Election, election
from tests.certifying import PEOPLE, may_decide

Published = Callable[..., Election]


@pytest.fixture(scope="session")
def tables(platform: Platform) -> Platform:
    """The platform with its tables and topics, where the tests' own people may decide."""
    create_tables(platform)
    create_topics(platform)
    may_decide(platform, *PEOPLE)
    return platform


@pytest.fixture(scope="session")
def published(tables: Platform) -> Published:
    """Makes an election whose poll is open: registered, filled, checked and published."""

    def make(slug: str, scenario: str = "single-race", **parameters) -> Election:
        register(tables, Registration(scenario, slug, **parameters))
        seed_candidates(tables, slug)
        seed_voters(tables, slug)
        check_electorate(tables, slug)
        publish_candidates(tables, slug)
        publish_voters(tables, slug)
        open_poll(tables, slug)
        with tables.connect("app") as connection:
            return election(connection, slug)

    return make


@pytest.fixture(scope="module")
def counting(spark: Platform, tables: Platform) -> Platform:
    """The platform with the tally at work, which goes on for the next module."""
    driver.start(spark.settings)
    assert driver.wait_for(lambda: driver.state(spark.settings).phase == "counting", 120)
    return spark
