"""The results feed: its answers, what changed since an earlier one, and what wrong requests get."""

import gzip
import json
import re
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

import results_feed.application as applications
from bench.real import ABERDEEN, GERMANY, real
from election.contracts.aggregates import BALLOTS_PER_CONTEST, VOTES_PER_CANDIDATE
from election.contracts.messages import encode
from election.contracts.public import Party
from election.errors import NotReachable
from election.live import snapshots
from election.live.register import Candidate, Contest, Counted, Election, LogHead, Register, SignedHead
from election.live.snapshots import Snapshot, Snapshots
from election.messaging.aggregates import FOLDED
from election.platform import Platform
from election.settings import PROJECT, Settings
from election.stack.secrets import generate
from results_feed import heads as feed_heads
from results_feed import publishing, versions
from results_feed.application import application
from results_feed.contents import OF_SNAPSHOTS
from results_feed.description import described
from results_feed.publishing import RESOURCES, Publisher
from results_feed.versions import encode as encode_row
from tests.unit.test_dashboard_systems import snapshot as shown_by_dashboard

NIGHT = datetime(2026, 5, 7, 22, 30, tzinfo=UTC)
ROOT = "/v1/elections"
EVERY = [ROOT, f"{ROOT}/by-election", *(f"{ROOT}/by-election/{name}" for name in RESOURCES if name != "summary")]
REGISTER = Register(
    Election(7, "by-election", "By-election", state="open", opened_at=NIGHT),
    parties={"A": Party("A", "Party A"), "B": Party("B", "Party B")},
    contests=(Contest(1, "W07", "Ynys Môn", "Wales", "UK", 100), Contest(2, "E14", "Aldershot", "South", "UK", 50)),
    candidates=(
        Candidate(1, 1, "Ann <Lee>", "A", "Party A"),
        Candidate(2, 1, "Bo Dee", "B", "Party B"),
        Candidate(3, 2, "Cy Fox", "A", "Party A"),
    ),
)
HEAD = SignedHead(60, "ab" * 32, "key", NIGHT, "open", "log\n60\n\n— key signature\n")


class Night:
    """A feed over readers that were never started: what they have read is put there."""

    def __init__(self) -> None:
        def away(role: str) -> Any:
            raise NotReachable(f"Postgres does not answer {role}.")

        self.source = Snapshots(Platform(away, lambda _: {}, Settings()), "results_feed", FOLDED)
        self.publisher = Publisher(self.source)
        self.http = TestClient(application(self.publisher), raise_server_exceptions=False)
        self.generation = 1
        self.heads: list[SignedHead] = []
        self.asked_beyond: list[int] = []
        self.source.registers.heads = self._signed  # type: ignore[method-assign]

    def _signed(self, slug: str, beyond: int = 0) -> list[SignedHead]:
        self.asked_beyond.append(beyond)
        return [head for head in self.heads if head.size > beyond]

    def register(self, *known: Register) -> None:
        readers = self.source.registers
        readers.elections = tuple(one.election for one in known)
        readers.registers = {one.election.slug: one for one in known}
        readers._looked_for = frozenset(readers.registers)
        readers.version += 1
        readers.pulse.answered()
        self.publisher.read_heads()
        self.publisher.refresh()

    def count(self, votes: dict[int, int], invalid: int = 0) -> None:
        """Totals of the election by line; ``invalid`` ballots of contest 1."""
        contest_of = {line.number: line.contest for line in REGISTER.candidates}
        ballots: dict[tuple[int, str], int] = {(1, "invalid"): invalid}
        for line, number in votes.items():
            contest = contest_of[line]
            ballots[contest, "valid"] = ballots.get((contest, "valid"), 0) + number
            self._put(VOTES_PER_CANDIDATE.topic, f"{contest}/{contest}/{line}", votes=number, district=contest,
                      contest=contest, contest_name="", candidate=line, candidate_name="", party="A")  # fmt: skip
        for (contest, validity), number in ballots.items():
            self._put(BALLOTS_PER_CONTEST.topic, f"{contest}/{contest}/1/{validity}", votes=number, district=contest,
                      contest=contest, contest_name="", position=1, validity=validity)  # fmt: skip
        self.source.count._versions[7] += 1
        self.source.count.pulse.answered()
        self.source.count.caught_up.set()
        self.publisher.refresh()

    def _put(self, topic: str, key: str, **fields: object) -> None:
        common = {"schema_version": 1, "generation": self.generation, "election": 7}
        record = encode({**common, **fields})
        self.source.count._totals.apply(topic, f"7/{self.generation}/{key}".encode(), record)

    def get(self, address: str, **headers: str) -> Any:
        answer = self.http.get(address, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Night:
    monkeypatch.setattr(snapshots, "_TICK_SECONDS", 0.0)
    monkeypatch.setattr(snapshots, "_LOADING_SECONDS", 0.0)
    found = Night()
    found.register(REGISTER)
    found.count({1: 40, 2: 10, 3: 20}, invalid=1)
    return found


def test_the_figures_are_those_of_the_snapshot(night: Night) -> None:
    snapshot = night.source.snapshot("by-election")
    assert snapshot is not None
    summary = night.get(f"{ROOT}/by-election")
    assert summary["figures"] == {
        "registered": 150, "counted": 71, "valid": 70, "invalid": 1, "turnout": snapshot.result.turnout,
        "contests": 2, "contests_reported": 2, "contests_complete": 0,
    }  # fmt: skip
    assert [(row["party"], row["votes"]) for row in summary["items"]] == [("A", 60), ("B", 10)]
    totals = night.get(f"{ROOT}/by-election/totals")["items"]
    assert [(row["line"], row["contest"], row["votes"]) for row in totals] == [
        (1, "W07", 40), (2, "W07", 10), (3, "E14", 20)
    ]  # fmt: skip
    contests = night.get(f"{ROOT}/by-election/contests")["items"]
    assert [(row["contest"], row["counted"], row["invalid"], row["turnout"]) for row in contests] == [
        ("W07", 51, 1, 0.51), ("E14", 20, 0, 0.4)
    ]  # fmt: skip
    outcome = night.get(f"{ROOT}/by-election/outcome")
    leading = [(row["lead"], row["margin"], row["leading"][0]["candidate"]) for row in outcome["items"]]
    assert leading == [("open", 30, "Ann <Lee>"), ("only", 20, "Cy Fox")]
    assert outcome["seats"]["parties"] == [{"party": "A", "won": 1, "leading": 1}]
    assert (outcome["system"], outcome["thresholds"]) == ("plurality", [])
    assert [(row["unseated"], row["quota"], row["stages"]) for row in outcome["items"]] == [([], None, [])] * 2


def given(shown: Snapshot, resource: str) -> tuple[Any, list[Any]]:
    """Head and rows of a resource, as they are sent."""
    content = OF_SNAPSHOTS[resource](shown)
    return json.loads(encode_row(dict(content.head))), [json.loads(encode_row(row)) for row in content.rows.values()]


def test_second_votes_thresholds_and_winners_without_a_seat_are_given() -> None:
    shown = shown_by_dashboard(GERMANY)
    head, rows = given(shown, "outcome")
    assert head["system"] == "mixed"
    seats = {one["party"]: one["won"] + one["leading"] for one in head["seats"]["parties"]}
    assert (sum(seats.values()), seats) == (630, shown.seats.by_party)
    thresholds = {one["party"]: one for one in head["thresholds"]}
    assert (thresholds["BSW"]["votes"], thresholds["BSW"]["way"], thresholds["SSW"]["way"]) == (
        2_472_947,
        None,
        "minority",
    )
    assert sum(len(row["unseated"]) for row in rows) == 23
    assert sum(one["seats"] for row in rows for one in row["elected"]) == 630
    _, contests = given(shown, "contests")
    assert {(one["kind"], one["position"]) for one in contests} == {("candidates", 1), ("lists", 2)}


def test_the_stages_of_rankings_are_given_while_the_count_goes_on() -> None:
    head, rows = given(shown_by_dashboard(ABERDEEN), "outcome")
    assert (head["system"], sum(len(row["elected"]) for row in rows)) == ("stv", 45)
    assert sum(one["won"] + one["leading"] for one in head["seats"]["parties"]) == 45
    ward = real(ABERDEEN)[0][0]
    last = rows[0]["stages"][-1]
    assert {own["line"] for own in last["votes"]} == {contender.number for contender in ward.contenders}
    elected = [line for stage in rows[0]["stages"] for line in stage["elected"]]
    assert elected == [one["line"] for one in rows[0]["elected"]] and rows[0]["quota"] > 0
    assert all(re.fullmatch(r"\d+\.\d{5}", own["votes"]) for own in last["votes"])
    _, early = given(shown_by_dashboard(ABERDEEN, "open", 3), "outcome")
    assert early[0]["stages"] and early[0]["elected"] == [] and early[0]["unseated"] == []
    _, contests = given(shown_by_dashboard(ABERDEEN), "contests")
    assert (contests[0]["kind"], sum(one["seats"] for one in contests)) == ("ranking", 45)


def test_what_is_certified_is_given_whatever_the_topics_say(night: Night) -> None:
    certified = replace(
        REGISTER,
        election=replace(REGISTER.election, state="certified", decided_at=NIGHT),
        certified=Counted({1: 5, 2: 3, 3: 2}, {1: 8, 2: 2}, {}),
        elected={1: {1: "votes"}, 2: {3: "votes"}},
    )
    night.register(certified)
    assert [row["votes"] for row in night.get(f"{ROOT}/by-election/totals")["items"]] == [5, 3, 2]
    elected = [row["elected"] for row in night.get(f"{ROOT}/by-election/outcome")["items"]]
    assert [(one["candidate"], one["how"]) for (one,) in elected] == [("Ann <Lee>", "votes"), ("Cy Fox", "votes")]


def test_elections_are_listed_in_the_order_of_their_registration(night: Night) -> None:
    later = replace(REGISTER, election=replace(REGISTER.election, number=9, slug="later"))
    night.register(later, REGISTER)
    assert [row["election"] for row in night.get(ROOT)["items"]] == ["by-election", "later"]


def test_since_gives_the_rows_that_changed_and_nothing_more(night: Night) -> None:
    before = night.get(f"{ROOT}/by-election/totals")
    assert before["complete"]
    night.count({1: 41, 2: 10, 3: 20})
    night.count({1: 41, 2: 12, 3: 20})
    after = night.get(f"{ROOT}/by-election/totals?since={before['version']}")
    assert not after["complete"]
    assert [(row["line"], row["votes"]) for row in after["items"]] == [(1, 41), (2, 12)]
    again = night.get(f"{ROOT}/by-election/totals?since={after['version']}")
    assert (again["items"], again["version"], again["complete"]) == ([], after["version"], False)


@pytest.mark.parametrize(
    "token", ["", "x", "__", "0000000000000000_1", "…", "1_2_3", "a" * 200], ids=lambda token: token[:20] or "empty"
)
def test_a_token_that_is_not_known_gives_everything(night: Night, token: str) -> None:
    for name in ("since", "cursor"):
        found = night.get(f"{ROOT}/by-election/totals?{name}={token}")
        assert found["complete"] and len(found["items"]) == 3


def test_a_token_of_a_later_version_or_another_address_gives_everything(night: Night) -> None:
    address = f"{ROOT}/by-election/totals"
    token = night.get(address)["version"]
    ahead = f"{token.rpartition('_')[0]}_99"
    assert night.get(f"{address}?since={ahead}")["complete"]
    assert night.get(f"{ROOT}/by-election/outcome?since={token}")["complete"]
    assert night.get(f"{address}?since={token}&contest=W07")["complete"]


def test_after_a_restart_an_old_token_gives_everything(night: Night) -> None:
    address = f"{ROOT}/by-election/totals"
    token = night.get(address)["version"]
    night.http = TestClient(application(Publisher(night.source)))
    assert night.get(f"{address}?since={token}")["complete"]


def test_a_row_that_is_gone_makes_every_token_give_everything(night: Night) -> None:
    address = f"{ROOT}/by-election/totals"
    token = night.get(address)["version"]
    night.register(replace(REGISTER, candidates=REGISTER.candidates[:2]))
    found = night.get(f"{address}?since={token}")
    assert found["complete"] and [row["line"] for row in found["items"]] == [1, 2]
    assert not night.get(f"{address}?since={found['version']}")["complete"]


def test_a_new_row_at_the_end_is_a_change_like_any_other(night: Night) -> None:
    token = night.get(ROOT)["version"]
    night.register(REGISTER, replace(REGISTER, election=replace(REGISTER.election, number=9, slug="later")))
    found = night.get(f"{ROOT}?since={token}")
    assert not found["complete"] and [row["election"] for row in found["items"]] == ["later"]


def test_pages_give_every_row_once_and_all_carry_the_first_pages_token(night: Night) -> None:
    page = night.get(f"{ROOT}/by-election/totals?limit=1")
    first, found = page["version"], []
    while True:
        found += page["items"]
        assert page["version"] == first and len(page["items"]) == 1
        if page["next"] is None:
            break
        night.count({1: 40 + len(found), 2: 10, 3: 20})  # it changes while it is read
        page = night.get(page["next"])
    assert [row["line"] for row in found] == [1, 2, 3]
    missed = night.get(f"{ROOT}/by-election/totals?since={first}")
    assert [(row["line"], row["votes"]) for row in missed["items"]] == [(1, 42)]


def test_the_pages_of_a_change_have_that_change_alone(night: Night) -> None:
    address = f"{ROOT}/by-election/totals"
    token = night.get(address)["version"]
    night.count({1: 41, 2: 10, 3: 21})
    page = night.get(f"{address}?since={token}&limit=1")
    assert [row["line"] for row in page["items"]] == [1]
    last = night.get(page["next"])
    assert [row["line"] for row in last["items"]] == [3]
    assert not last["complete"] and last["next"] is None


def test_one_contest_can_be_asked_for_and_keeps_being_asked_for_on_the_next_page(night: Night) -> None:
    page = night.get(f"{ROOT}/by-election/totals?contest=W07&limit=1")
    assert [row["line"] for row in page["items"]] == [1]
    page = night.get(page["next"])
    assert [row["line"] for row in page["items"]] == [2] and page["next"] is None


def test_an_answer_that_is_known_is_not_sent_again(night: Night) -> None:
    for address in EVERY:
        first = night.http.get(address)
        known = night.http.get(address, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
        assert (known.status_code, known.content) == (304, b"")
        assert known.headers["etag"] == first.headers["etag"]
    totals = f"{ROOT}/by-election/totals"
    tag = night.http.get(totals).headers["etag"]
    night.count({1: 41, 2: 10, 3: 20})
    assert night.http.get(totals, headers={"If-None-Match": tag}).status_code == 200


def test_nothing_new_is_the_same_answer_byte_for_byte(night: Night) -> None:
    before = {address: night.http.get(address).content for address in EVERY}
    night.count({1: 40, 2: 10, 3: 20}, invalid=1)
    assert {address: night.http.get(address).content for address in EVERY} == before


def test_long_answers_are_compressed_for_those_who_take_it(night: Night) -> None:
    address = f"{ROOT}/by-election/totals"
    more = tuple(Candidate(number, 2, f"Number {number}", "B", "Party B") for number in range(4, 40))
    night.register(replace(REGISTER, candidates=REGISTER.candidates + more))
    plain = night.http.get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and "Accept-Encoding" in plain.headers["vary"]
    refused = night.http.get(address, headers={"Accept-Encoding": "br, gzip;q=0"})
    assert "content-encoding" not in refused.headers
    with night.http.stream("GET", address, headers={"Accept-Encoding": "br, gzip"}) as sent:
        assert sent.headers["content-encoding"] == "gzip" and sent.headers["etag"] == plain.headers["etag"]
        assert gzip.decompress(b"".join(sent.iter_raw())) == plain.content


def test_heads_are_listed_and_a_new_one_is_a_change(night: Night) -> None:
    address = f"{ROOT}/by-election/heads"
    token = night.get(address)["version"]
    night.heads = [HEAD]
    night.register(replace(REGISTER, head=LogHead(HEAD.size, HEAD.root, HEAD.verifier_key, HEAD.sealed_at)))
    found = night.get(f"{address}?since={token}")
    assert [(row["size"], row["note"], row["state"]) for row in found["items"]] == [(60, HEAD.note, "open")]


def test_only_new_heads_are_read_until_all_are_due(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    address, sizes = f"{ROOT}/by-election/heads", []
    for size in (60, 90, 120):
        night.heads = [*night.heads, replace(HEAD, size=size)]
        night.register(replace(REGISTER, head=LogHead(size, HEAD.root, HEAD.verifier_key, HEAD.sealed_at)))
        sizes.append([row["size"] for row in night.get(address)["items"]])
    assert sizes == [[60], [60, 90], [60, 90, 120]]
    night.publisher.read_heads()
    assert night.asked_beyond == [0, 60, 90]
    monkeypatch.setattr(feed_heads, "_ALL_SECONDS", 0.0)
    night.heads[0] = replace(HEAD, note="signed by an auditor too")
    night.publisher.read_heads()
    night.publisher.refresh()
    assert night.asked_beyond == [0, 60, 90, 0]
    assert [row["note"] for row in night.get(address)["items"]] == ["signed by an auditor too", HEAD.note, HEAD.note]


def test_figures_go_on_while_postgres_gives_no_heads(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    night.get(f"{ROOT}/by-election/heads")
    night.get(f"{ROOT}/by-election/totals")
    monkeypatch.setattr(feed_heads, "_ALL_SECONDS", 0.0)
    asked, answers = threading.Event(), threading.Event()

    def slow(_slug: str, _beyond: int = 0) -> list[SignedHead]:
        asked.set()
        assert answers.wait(60)
        return [HEAD]

    monkeypatch.setattr(night.source.registers, "heads", slow)
    reading = threading.Thread(target=night.publisher.read_heads, daemon=True)
    reading.start()
    assert asked.wait(60)
    refreshing = threading.Thread(target=night.count, args=[{1: 44, 2: 10, 3: 20}], daemon=True)
    refreshing.start()
    refreshing.join(60)
    try:
        assert not refreshing.is_alive()
        assert night.get(f"{ROOT}/by-election/totals")["items"][0]["votes"] == 44
        assert night.get(f"{ROOT}/by-election/outcome")["items"], "nor does what is asked for the first time wait"
        assert night.get(f"{ROOT}/by-election/heads")["items"] == []
    finally:
        answers.set()
        reading.join(60)
    night.publisher.refresh()
    assert [row["size"] for row in night.get(f"{ROOT}/by-election/heads")["items"]] == [60]


def test_figures_that_may_be_old_say_so(night: Night) -> None:
    assert night.get(f"{ROOT}/by-election/totals")["warnings"] == []
    night.source.registers.pulse.now = replace(night.source.postgres, answered_at=NIGHT, trouble="password=secret")
    night.publisher.refresh()
    answer = night.get(f"{ROOT}/by-election/totals")
    assert answer["warnings"] == [{"cause": "postgres", "since": "2026-05-07T22:30:00Z"}]
    assert [warning["cause"] for warning in night.get(ROOT)["warnings"]] == ["postgres"]
    assert "secret" not in json.dumps(answer)


def test_tables_of_an_older_version_are_no_empty_list_of_elections(night: Night) -> None:
    night.source.registers.pulse.answered(("tables",))
    night.publisher.refresh()
    assert [warning["cause"] for warning in night.get(ROOT)["warnings"]] == ["tables"]


def test_before_the_topics_are_read_there_are_no_figures_but_a_time_to_ask_again(night: Night) -> None:
    night.source.count.caught_up.clear()
    night.publisher = Publisher(night.source)
    night.http = TestClient(application(night.publisher))
    answer = night.http.get(f"{ROOT}/by-election/totals")
    assert (answer.status_code, problem(answer)["title"]) == (503, "Service Unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert night.http.get("/health").json() == {"kafka": "loading", "postgres": "answers"}
    assert night.get(ROOT)["items"]


def test_before_postgres_has_answered_no_election_is_said_to_be_unknown() -> None:
    answer = Night().http.get(f"{ROOT}/by-election")
    assert answer.status_code == 503


def problem(answer: Any) -> Any:
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == answer.status_code and found["detail"]
    return found


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("limit=0", "limit"), ("limit=1001", "limit"), ("limit=many", "limit"), ("sicne=x", "sicne"),
     ("contest=", "contest"), (f"since={'x' * 201}", "since"), ("since=a&cursor=b", "")],
)  # fmt: skip
def test_a_wrong_parameter_is_named(night: Night, query: str, parameter: str) -> None:
    answer = night.http.get(f"{ROOT}/by-election/totals?{query}")
    assert answer.status_code == 400
    (wrong,) = problem(answer)["errors"]
    assert wrong["parameter"] == parameter and wrong["message"]


def test_thousands_of_unknown_parameters_are_refused_before_they_are_read(night: Night) -> None:
    query = "&".join(f"p{number}" for number in range(2000))
    answer = night.http.get(f"{ROOT}/by-election/totals?{query}", headers={"Origin": "https://news.example"})
    assert answer.status_code == 414 and len(answer.content) < 1000
    assert answer.headers["access-control-allow-origin"] == "*" and answer.headers["x-content-type-options"]
    problem(answer)


def test_an_answer_names_the_first_wrong_parameters(night: Night) -> None:
    query = "&".join(f"p{number}" for number in range(200))
    answer = night.http.get(f"{ROOT}/by-election/totals?{query}")
    assert answer.status_code == 400 and len(answer.content) < 2500
    assert [wrong["parameter"] for wrong in problem(answer)["errors"]] == [f"p{number}" for number in range(10)]


@pytest.mark.parametrize(
    "address", [f"{ROOT}/no-such", f"{ROOT}/no-such/totals", f"{ROOT}/by-election/voters", "/admin",
                f"{ROOT}/by-election/totals?contest=X1", f"{ROOT}/%00", f"{ROOT}/", f"{ROOT}/..%2f..%2fetc"],
)  # fmt: skip
def test_what_is_not_there_is_said_to_be_not_there(night: Night, address: str) -> None:
    answer = night.http.get(address)
    assert answer.status_code == 404
    problem(answer)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(night: Night, method: str) -> None:
    answer = night.http.request(method, f"{ROOT}/by-election/totals")
    assert answer.status_code == 405 and answer.headers["allow"] == "GET"
    problem(answer)


def test_a_fault_is_a_problem_that_tells_nothing_of_the_inside(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_slug: str) -> None:
        raise RuntimeError("the secret cause")

    monkeypatch.setattr(night.source, "snapshot", fails)
    answer = night.http.get(f"{ROOT}/by-election")
    assert answer.status_code == 500 and "secret" not in answer.text
    assert answer.headers["access-control-allow-origin"] == "*"
    problem(answer)


def test_pages_of_other_sites_may_read_and_do_nothing_else(night: Night) -> None:
    origin = {"Origin": "https://news.example"}
    answer = night.http.get(ROOT, headers=origin)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    asked = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "If-None-Match"}
    assert night.http.options(ROOT, headers=asked).status_code == 200
    assert night.http.options(ROOT, headers={**asked, "Access-Control-Request-Method": "DELETE"}).status_code == 400


@pytest.mark.parametrize("address", [*EVERY, "/", "/openapi.json", "/health", "/nothing"])
def test_every_answer_tells_browsers_to_take_it_as_data(night: Night, address: str) -> None:
    headers = night.http.get(address).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_every_answer_is_as_the_openapi_document_says(night: Night) -> None:
    night.heads = [HEAD]
    document = night.http.get("/openapi.json").json()
    for address in EVERY:
        operation = document["paths"][address.replace("by-election", "{election}")]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        answer = night.get(address)
        assert answer["items"], address
        jsonschema.validate(answer, {**schema, "components": document["components"]})
        known = fields(document, schema)
        assert answer.keys() == known.keys()
        assert answer["items"][0].keys() == fields(document, known["items"]["items"]).keys()
    jsonschema.validate(
        night.http.get(f"{ROOT}?limit=0").json(), {**document["components"]["schemas"]["Problem"], **document}
    )


def fields(document: Any, schema: Any) -> Any:
    return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]


def test_the_page_shows_every_address_without_scripts_or_foreign_files(night: Night) -> None:
    page = night.http.get("/").text
    assert all(address.replace("by-election", "{election}") in page for address in EVERY)
    shown = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= shown, "every type is explained"
    assert "<script" not in page and "http" not in page.replace("HTTP", "")


def test_its_role_may_read_what_the_dashboards_role_may_read() -> None:
    """Both read through ``election.live``: a view that only one of them may read would stop the other's reading."""
    statements = [
        " ".join(statement.split())
        for file in (PROJECT / "src" / "election" / "storage").glob("*.sql")
        for statement in re.findall(r"^GRANT [^;]*;", file.read_text(), re.MULTILINE)
    ]
    of_dashboard = {statement for statement in statements if "election_dashboard" in statement}
    assert len(of_dashboard) > 5
    assert {statement for statement in of_dashboard if "election_results_feed" not in statement} == set()


def test_what_the_page_shows_is_text() -> None:
    about = {"title": "A <b>feed</b>", "description": "& `<i>`"}
    page = bytes(described({"info": about, "paths": {}, "components": {"schemas": {}}}).body).decode()
    assert "<h1>A &lt;b&gt;feed&lt;/b&gt;</h1>" in page and "<p>&amp; <code>&lt;i&gt;</code></p>" in page


def test_names_in_answers_are_as_they_are_written_and_no_page_takes_them_for_markup(night: Night) -> None:
    answer = night.http.get(f"{ROOT}/by-election/totals")
    assert answer.headers["content-type"] == "application/json"
    assert "Ann <Lee>" in answer.text


def test_a_removed_election_is_gone_and_one_of_its_slug_begins_again(night: Night) -> None:
    address = f"{ROOT}/by-election/contests"
    token = night.get(address)["version"]
    night.register()
    assert night.http.get(address).status_code == 404
    night.register(replace(REGISTER, election=replace(REGISTER.election, number=8)))
    assert night.get(f"{address}?since={token}")["complete"]


def kept(night: Night) -> int:
    answers = night.publisher._versions["by-election", "totals"].answers
    return sum(len(answer.body) + len(answer.gzipped or b"") for answer in answers.values())


def test_pages_of_every_length_fill_no_memory(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_KEPT_BYTES", 100_000)
    more = tuple(Candidate(number, 2, f"Number {number}", "B", "Party B") for number in range(4, 300))
    night.register(replace(REGISTER, candidates=REGISTER.candidates + more))
    address = f"{ROOT}/by-election/totals"
    for limit in range(200, 240):
        assert len(night.get(f"{address}?limit={limit}")["items"]) == limit
        assert kept(night) <= 100_000
    assert kept(night) > 50_000
    assert len(night.get(f"{address}?limit=239")["items"]) == 239


def test_answers_for_which_nobody_asks_any_more_are_not_kept(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"{ROOT}/by-election/totals"
    token = night.get(address)["version"]
    monkeypatch.setattr(publishing, "_ASKED_SECONDS", 0.0)
    night.publisher.refresh()
    assert kept(night) == 0
    assert not night.get(f"{address}?since={token}")["complete"], "though its tokens are known"


def test_a_cursor_that_no_page_has_given_gives_everything(night: Night) -> None:
    address = f"{ROOT}/by-election/totals"
    night.get(address)
    night.count({1: 41, 2: 10, 3: 20})
    mark, _, number = night.get(address)["version"].partition("_")
    assert int(number) > 1
    for since, first, position in (("", number, 3), ("", number, 10**50), (int(number) + 1, number, 0), (0, 1, 0)):
        found = night.get(f"{address}?cursor={mark}_{since}_{first}_{position}")
        assert found["complete"] and len(found["items"]) == 3, (since, first, position)


def test_the_page_and_the_document_are_written_once(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []

    def noted(document: dict[str, Any]) -> Any:
        written.append(document)
        return described(document)

    monkeypatch.setattr(applications, "described", noted)
    http = TestClient(application(night.publisher))
    pages = [(http.get("/").content, http.get("/openapi.json").content) for _ in range(3)]
    assert len(written) == 1 and len(set(pages)) == 1


def test_elections_that_are_not_there_fill_no_memory(night: Night) -> None:
    for number in range(50):
        assert night.http.get(f"{ROOT}/invented-{number}").status_code == 404
    assert not night.publisher._asked and not night.publisher._versions


def test_its_own_metrics_count_requests_by_address_and_status_for_the_one_who_logs_in(settings: Settings) -> None:
    generate(settings)
    http, login = Night().http, ("metrics", settings.secret("metrics"))
    assert http.get("/metrics").status_code == http.get("/metrics", auth=("metrics", "wrong")).status_code == 401
    for address in ("/health", "/health", "/v1/elections/invented-1", "/invented-2", "/health?" + "x" * 2000):
        http.get(address)
    found = {
        (sample.labels["address"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(http.get("/metrics", auth=login).text)
        for sample in family.samples
        if sample.name == "election_feed_requests_total"
    }
    assert found.pop(("/health", "200")) == 2 and found.pop(("/metrics", "401")) == 2
    assert found.pop(("/v1/elections/{election}", "503")) == 1  # nothing is read yet
    assert found == {("other", "404"): 1, ("other", "414"): 1}, "strangers cannot invent labels"
