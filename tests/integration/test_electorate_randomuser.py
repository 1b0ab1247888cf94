"""An electorate out of the randomuser.me API, played by a web server that answers like it and goes wrong like it."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from election.clients.randomuser import client
from election.clients.randomuser.client import Patience
from election.electorate import check_electorate, seed_candidates, seed_voters
from election.electorate.randomuser import voters
from election.errors import BadInput, StageFailed, UnknownElection
from election.platform import Platform
from election.preparation import Registration, register
from election.storage.elections import election
from tests.randomuser_api import PHOTO, TROUBLES, RandomUserApi, person, serving


@pytest.fixture
def api():
    with serving() as server:
        yield server


@pytest.fixture
def platform_with_api(tables: Platform, api: RandomUserApi, monkeypatch) -> Platform:
    """Pages of 100 people, and little patience."""
    monkeypatch.setattr(client, "PATIENCE", Patience(attempts=3, first=0.001, longest=0.002, too_many=0.001))
    monkeypatch.setattr(voters, "PAGE", 100)
    return replace(tables, settings=tables.settings.model_copy(update={"randomuser_url": api.url}))


@pytest.fixture
def registered(platform_with_api):
    def make(slug, number=250, **parameters):
        parameters = {"source": "randomuser", "voters": number} | parameters
        return register(platform_with_api, Registration("single-race", slug, **parameters)).election_no

    return make


def rows(platform, table, election_no):
    with platform.connect("reader") as connection:
        return connection.execute(f"SELECT * FROM {table} WHERE election_no = %s ORDER BY 2", [election_no]).fetchall()


def test_voters_and_candidates_come_from_the_api(platform_with_api, registered, api):
    platform = platform_with_api
    no = registered("randomuser-whole")
    assert seed_candidates(platform, "randomuser-whole") == 3
    assert seed_voters(platform, "randomuser-whole") == 250
    figures = check_electorate(platform, "randomuser-whole")
    assert figures["candidates"] == 3 and figures["voters"] == 250
    assert [asked["results"] for asked in api.asked[1:]] == ["100", "100", "50"]
    assert {asked["nat"] for asked in api.asked} == {"gb"}
    assert len({row[1:] for row in rows(platform, "voters", no)}) == 250
    assert {row[3:] for row in rows(platform, "locations", no)} <= {
        (state, city)
        for state in ("Gwynedd", "Somerset", "Борис", "Kent")
        for city in ("Ynys Môn", "Bath", "Київ", "Armagh", "Leeds")
    }


def test_candidates_have_the_genders_and_parties_of_the_scenario_and_a_stored_photo(platform_with_api, registered, api):
    no = registered("randomuser-candidates")
    seed_candidates(platform_with_api, "randomuser-candidates")
    with platform_with_api.connect("reader") as connection:
        stood = connection.execute(
            "SELECT gender, party_abbreviation, photo FROM candidates WHERE election_no = %s ORDER BY candidate_no",
            [no],
        ).fetchall()
    assert [(gender, party) for gender, party, _ in stood] == [("female", "HVA"), ("male", "CIV"), ("female", "NEW")]
    (asked,) = api.asked
    people = [person(asked["seed"], 1, index, ["GB"], api.url) for index in range(int(asked["results"]))]
    faces = {PHOTO + urlsplit(one["picture"]["large"]).path.encode(): one["gender"] for one in people}
    assert [faces[bytes(photo)] for *_, photo in stood] == ["female", "male", "female"]


def test_candidates_of_a_real_election_stay_who_they_are(platform_with_api, registered, api):
    register(
        platform_with_api,
        Registration("uk-general-election-2019", "randomuser-replay", contests=("S14000027",), source="randomuser"),
    )
    seed_candidates(platform_with_api, "randomuser-replay")
    assert not api.asked


def test_voters_and_candidates_are_never_the_same_people(platform_with_api, registered, api):
    registered("randomuser-seeds")
    seed_candidates(platform_with_api, "randomuser-seeds")
    seed_voters(platform_with_api, "randomuser-seeds")
    candidates_seed, voters_seed = dict.fromkeys(asked["seed"] for asked in api.asked)
    # Seed and page are joined by the API: neither seed may run into the other or into a page.
    assert candidates_seed != voters_seed and candidates_seed.endswith("-") and voters_seed.endswith("-")
    assert 18 not in {len(candidates_seed), len(voters_seed)}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_broken_page_is_asked_for_again(platform_with_api, registered, api, trouble):
    slug = f"randomuser-{trouble.replace(' ', '-').lower()}"
    no = registered(slug)
    whole = registered(f"{slug}-whole")
    seed_voters(platform_with_api, f"{slug}-whole")
    api.troubles.extend([trouble, trouble])
    assert seed_voters(platform_with_api, slug) == 250
    assert [row[1:] for row in rows(platform_with_api, "voters", no)] == [
        row[1:] for row in rows(platform_with_api, "voters", whole)
    ]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_page_that_stays_broken_ends_with_the_way_on_and_a_cleared_task_goes_on_there(
    platform_with_api, registered, api, trouble
):
    platform = platform_with_api
    slug = f"randomuser-stays-{trouble.replace(' ', '-').lower()}"
    no = registered(slug)
    seed_candidates(platform, slug)
    api.asked.clear()
    api.troubles.extend(["", *[trouble] * 3])  # the first page comes, the second does not
    with pytest.raises(StageFailed, match=r"page 2 \(100 people\) in 3 attempts.*`source=offline`"):
        seed_voters(platform, slug)
    assert len(rows(platform, "voters", no)) == 100
    with pytest.raises(StageFailed, match="district SR1 has 100 of 250 registered voters"):
        check_electorate(platform, slug)

    api.asked.clear()
    assert seed_voters(platform, slug) == 250
    assert [asked["page"] for asked in api.asked] == ["2", "3"]
    assert check_electorate(platform, slug)["voters"] == 250


@pytest.mark.parametrize("trouble", ["not found", "not a picture"])
def test_without_a_photo_no_candidate_is_stored(platform_with_api, registered, api, trouble):
    slug = f"randomuser-photo-{trouble.replace(' ', '-')}"
    no = registered(slug)
    api.photo_troubles.extend([trouble] * 3)
    with pytest.raises(StageFailed, match=r"the photo .* in 3 attempts"):
        seed_candidates(platform_with_api, slug)
    assert rows(platform_with_api, "candidates", no) == []
    assert seed_candidates(platform_with_api, slug) == 3


def test_all_pages_come_over_one_connection(platform_with_api, registered, api):
    registered("randomuser-connection")
    seed_voters(platform_with_api, "randomuser-connection")
    assert (len(api.asked), api.connections) == (3, 1)


def test_voters_are_given_to_districts_by_their_number(platform_with_api, api):
    poll = register(
        platform_with_api,
        Registration("single-race", "randomuser-districts", source="randomuser", nationality="gb,ua", voters=120),
    )
    with platform_with_api.connect("owner") as connection:
        connection.execute("UPDATE districts SET registered = 40 WHERE election_no = %s", [poll.election_no])
        connection.execute(
            """INSERT INTO districts (election_no, district_no, district_id, name, region, country, registered,
                                      first_voter_no)
               VALUES (%s, 2, 'SR2', 'Otherhaven', 'Mercia', 'United Kingdom', 80, 41)""",
            [poll.election_no],
        )
    seed_voters(platform_with_api, "randomuser-districts")
    with platform_with_api.connect("reader") as connection:
        ranges = connection.execute(
            """SELECT district_no, min(voter_no), max(voter_no), count(*), count(DISTINCT nationality) FROM voters
               WHERE election_no = %s GROUP BY 1 ORDER BY 1""",
            [poll.election_no],
        ).fetchall()
    assert ranges == [(1, 1, 40, 40, 2), (2, 41, 120, 80, 2)]


def test_everybody_is_of_age_on_polling_day(platform_with_api, registered):
    # The server's youngest were born in 2009; the polling day is in 2026.
    no = registered("randomuser-age")
    seed_candidates(platform_with_api, "randomuser-age")
    seed_voters(platform_with_api, "randomuser-age")
    assert check_electorate(platform_with_api, "randomuser-age")["voters"] == 250
    assert max(row[5] for row in rows(platform_with_api, "voters", no)).isoformat() <= "2008-05-07"


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"number": 1_000_000}, r"20,000 people in 5 minutes, so 1,000,000 voters would take 250 minutes"),
        ({"nationality": "gb,xx"}, r"no nationality 'xx'"),
        ({"nationality": "gb,"}, r"no nationality ''"),
    ],
)
def test_what_the_api_cannot_give_is_refused_before_anything_is_written(platform_with_api, registered, parameters, why):
    with pytest.raises(BadInput, match=why):
        registered("randomuser-refused", **parameters)
    with platform_with_api.connect("reader") as connection, pytest.raises(UnknownElection):
        election(connection, "randomuser-refused")
