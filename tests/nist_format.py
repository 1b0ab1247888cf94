"""Whether a document is NIST SP 1500-100 version 2: by both of NIST's schemas, and by what no schema sees."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator
from lxml import etree

SCHEMAS = Path(__file__).parent / "data" / "nist-1500-100"
NAMESPACE = "{http://itl.nist.gov/ns/voting/1500-100/v2}"


@cache
def json_validator() -> Draft4Validator:
    return Draft4Validator(json.loads((SCHEMAS / "NIST_V2_election_results_reporting.json").read_text("utf-8")))


@cache
def xml_schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(SCHEMAS / "NIST_V2_election_results_reporting.xsd"))


def xml_problems(content: bytes) -> list[str]:
    """What the XML Schema refuses, and references to ids that are not there, which libxml2 does not check."""
    tree = etree.fromstring(content)
    schema = xml_schema()
    found = [] if schema.validate(tree) else [str(error) for error in schema.error_log]
    ids = tree.xpath("//@ObjectId")
    named = {one for element in tree.iter() if _is_reference(element) for one in (element.text or "").split()}
    return found + [f"no object {missing}" for missing in sorted(named - set(ids))]


def _is_reference(element: Any) -> bool:
    return element.tag.endswith(("Id", "Ids")) and element.tag != f"{NAMESPACE}VendorApplicationId"


def json_problems(content: bytes) -> list[str]:
    """What the JSON Schema refuses, ids that name nothing or another kind of object, and sums that differ."""
    made = json.loads(content)
    refused = [f"{error.json_path}: {error.message}" for error in json_validator().iter_errors(made)]
    return refused or [*reference_problems(made), *sum_problems(made)]


def reference_problems(made: dict[str, Any]) -> Iterator[str]:
    """Ids that occur twice, and references against the ``refTypes`` of the schema."""
    kinds: dict[str, str] = {}
    for own in _objects(made):
        if "@id" in own:
            if own["@id"] in kinds:
                yield f"two objects are {own['@id']}"
            kinds[own["@id"]] = own["@type"]
    definitions = json_validator().schema["definitions"]
    for own in _objects(made):
        for name, value in own.items():
            rule = definitions[own["@type"]]["properties"].get(name, {})
            for one in value if isinstance(value, list) else [value]:
                allowed = rule.get("refTypes") or rule.get("items", {}).get("refTypes")
                if allowed and kinds.get(one) not in allowed:
                    yield f"{own['@type']}.{name}: {one} is {kinds.get(one, 'not there')}"


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for own in value.values():
            yield from _objects(own)
    elif isinstance(value, list):
        for own in value:
            yield from _objects(own)


def sum_problems(made: dict[str, Any]) -> Iterator[str]:
    """Votes and rejected ballots against ballots cast, contests against the whole, winners against seats.

    The whole is made up of the units that it names: those of the contests that come first on the ballot papers.
    """
    (election,), units = made["Election"], {unit["@id"]: unit for unit in made["GpUnit"]}
    ballots = {counts["GpUnitId"]: counts for counts in election.get("BallotCounts", [])}
    whole = ballots.pop(election["ElectionScopeId"], None)
    parts = units[election["ElectionScopeId"]].get("ComposingGpUnitIds", [])
    for name in ("BallotsCast", "BallotsRejected"):
        if whole and whole[name] != sum(counts[name] for unit, counts in ballots.items() if unit in parts):
            yield f"{name} of the whole: {whole[name]}"
    for unit, counts in ballots.items():
        if counts["BallotsCast"] != units[unit]["VotersParticipated"]:
            yield f"{unit}: {counts['BallotsCast']} ballots, {units[unit]['VotersParticipated']} voters"
        if counts["BallotsCast"] > units[unit].get("VotersRegistered", counts["BallotsCast"]):
            yield f"{unit}: more ballots than registered voters"
    status = {one["@id"]: one.get("PostElectionStatus") for one in election.get("Candidate", [])}
    seats = won = 0
    for contest in election["Contest"]:
        if contest["@id"] == "contest-seats":
            won = sum(votes["Count"] for own in contest["ContestSelection"] for votes in own["VoteCounts"])
            continue
        several, rounds = _counts(contest)
        elected = {one for own in contest["ContestSelection"] for one in own.get("CandidateIds", [])
                   if status[one] == "winner"}  # fmt: skip
        if len(elected) > contest.get("NumberElected", 0):
            yield f"{contest['Name']}: {len(elected)} winners of {contest['NumberElected']} seats"
        seats += several or len(elected)
        known = ballots.get(contest["ElectionDistrictId"])
        valid = known["BallotsCast"] - known["BallotsRejected"] if known else 0
        if rounds.get(None, valid) != valid or any(total > valid + 0.001 for total in rounds.values()):
            yield f"{contest['Name']}: {dict(rounds)} votes of {valid} valid ballots"
    if any(contest["@id"] == "contest-seats" for contest in election["Contest"]) and won != seats:
        yield f"{won} seats by party, {seats} winners"


def _counts(contest: dict[str, Any]) -> tuple[int, dict[int | None, float]]:
    """The seats that counts of that type say, and all votes by round."""
    seats, rounds = 0, defaultdict[int | None, float](float)
    for selection in contest["ContestSelection"]:
        for votes in selection.get("VoteCounts", []):
            if votes["Type"] == "seats":
                seats += votes["Count"]
            else:
                rounds[votes.get("Round")] += votes["Count"]
    return seats, rounds


def selections(made: dict[str, Any], contest: int) -> Counter[str]:
    """Votes by the name on the ballot paper, or ``write-in``."""
    (election,) = made["Election"]
    names = {one["@id"]: one["BallotName"]["Text"][0]["Content"] for one in election["Candidate"]}
    found: Counter[str] = Counter()
    for selection in election["Contest"][contest]["ContestSelection"]:
        (name,) = [names[one] for one in selection.get("CandidateIds", [])] or ["write-in"]
        found[name] += sum(votes["Count"] for votes in selection.get("VoteCounts", []))
    return found
