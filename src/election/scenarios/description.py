"""scenario.toml: what the two tables do not say."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import date, datetime
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from election.contracts.public import Party
from election.errors import BadInput
from election.outcome import AnyRules, ListRules, MixedRules
from election.outcome.rules import BY_SYSTEM, made
from election.scenarios.model import Simulation
from election.scenarios.tables import YEARS, refused, text_of
from election.text import acting, visible

_KEYS = (
    "name",
    "polling_day",
    "licence",
    "map",
    "voters_per_contest",
    "system",
    "parties",
    "simulation",
    "predecessor",
)
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
# How far each number of [simulation] may go.
_MOST = {"turnout": 1.0, "turnout_spread": 0.5, "invalid": 1.0}
_MOST_SPREAD = 3.0
_MOST_SEATS = 100_000


@dataclass(frozen=True)
class Description:
    """A scenario.toml. ``voters_per_contest`` is for contests of a simulation that give no electorate.

    ``predecessor`` is the folder's name of the election before.
    """

    title: str
    polling_day: date
    licence: str
    map: Path | None
    voters_per_contest: int
    parties: tuple[Party, ...]
    simulation: Simulation
    system: AnyRules
    predecessor: str | None = None


def describe(home: Path) -> Description:
    """Reads ``home/scenario.toml``. Raises BadInput naming the line, as far as TOML tells it, and the remedy."""
    file = home / "scenario.toml"
    text = text_of(file)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise refused(
            file, None, f"not TOML ({error})", "Correct that place; docs/scenarios.md shows the form."
        ) from error

    def wrong(key: str, what: str, remedy: str) -> BadInput:
        return refused(file, _line(text, key), what, remedy)

    for key in content:
        if key not in _KEYS:
            raise wrong(visible(key), f"`{visible(key)}` is not known", f"The keys are {', '.join(_KEYS)}.")
    for key, written in _texts(content):
        if found := acting(written, lines=key == "licence"):
            raise wrong(key, f"`{visible(key)}` contains {found[1]}", "Delete it; names are shown as written.")
    for key in ("name", "licence"):
        if not isinstance(content.get(key), str) or not content[key].strip():
            raise wrong(key, f"`{key}` is missing or not a text", f'Write {key} = "…".')
    voters = content.get("voters_per_contest", 10_000)
    if not isinstance(voters, int) or isinstance(voters, bool) or voters < 1:
        raise wrong("voters_per_contest", f"`voters_per_contest` is {voters!r}", "Give a whole number of 1 or more.")
    try:
        return Description(
            title=content["name"].strip(),
            polling_day=_day(content.get("polling_day")),
            licence=content["licence"].strip(),
            map=_map(home, content.get("map")),
            voters_per_contest=voters,
            parties=tuple(_party(short, party) for short, party in _table(content, "parties").items()),
            simulation=_simulation(_table(content, "simulation")),
            system=_system(_table(content, "system")),
            predecessor=_predecessor(home, content.get("predecessor")),
        )
    except _Wrong as error:
        raise wrong(*error.args) from None


class _Wrong(ValueError):
    """(key, what, remedy) of a value that cannot be used."""


def _line(text: str, key: str) -> int | None:
    """The first line that begins with the key: TOML's parser keeps no positions."""
    found = re.search(rf'^\s*\[?"?{re.escape(key)}\b', text, re.MULTILINE)
    return None if found is None else text.count("\n", 0, found.end()) + 1


def _texts(content: dict[str, Any], party: str = "") -> Iterator[tuple[str, str]]:
    """Every key and every text, with the key that its line begins with: TOML's escapes write what no file has."""
    for key, value in content.items():
        yield party or key, key
        if isinstance(value, str):
            yield party or key, value
        elif isinstance(value, dict):
            yield from _texts(value, key if "name" in value else party)


def _table(content: dict[str, Any], key: str) -> dict[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, dict):
        raise _Wrong(key, f"`{key}` is not a table", f"Begin it with a line [{key}].")
    return table


def _day(value: Any) -> date:
    if isinstance(value, str):
        with suppress(ValueError):
            value = date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        if value.year not in YEARS:
            what = f"`polling_day` is in the year {value.year}"
            raise _Wrong("polling_day", what, "Write the year in full, as in 2024.")
        return value
    raise _Wrong("polling_day", f"`polling_day` is {value!r}, not a date", "Write it as polling_day = 2019-12-12.")


def _map(home: Path, value: Any) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str) or Path(value).name != value or not (home / value).is_file():
        raise _Wrong("map", f"`map` is {value!r}, no file of this folder", "Name a GeoJSON file beside scenario.toml.")
    return home / value


def _predecessor(home: Path, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value or Path(value).name != value or value == home.name:
        what = f"`predecessor` is {value!r}, not the name of another scenario"
        raise _Wrong("predecessor", what, "Name the folder of the election before, as `election scenarios` lists it.")
    return value


def _party(short: str, party: Any) -> Party:
    form = f'Write "{short}" = {{ name = "…", colour = "#0087dc" }}.'
    if not isinstance(party, dict) or not isinstance(party.get("name"), str) or party.keys() - {"name", "colour"}:
        raise _Wrong(short, f"party {short!r} has no name, or something beside name and colour", form)
    colour = party.get("colour")
    if colour is not None and not (isinstance(colour, str) and _COLOUR.fullmatch(colour)):
        raise _Wrong(
            short, f"the colour of {short!r} is {colour!r}", "Write # and six hexadecimal digits, as in #0087dc."
        )
    return Party(short, party["name"], colour)


def _system(table: dict[str, Any]) -> AnyRules:
    """The rules of [system]: a key for each field of the system's class."""
    system = table.get("system", "plurality")
    if system not in BY_SYSTEM:
        raise _Wrong("system", f"`system.system` is {system!r}", f"Write {_either(tuple(BY_SYSTEM), 'system')}.")
    form = BY_SYSTEM[system]
    known = get_type_hints(form)
    for key, value in table.items():
        if key not in known:
            raise _Wrong(key, f"`system.{key}` is not known", f"The keys of {system} are {', '.join(known)}.")
        form_of = known[key]
        if get_origin(form_of) is Literal:
            right, remedy = value in get_args(form_of), f"Write {_either(get_args(form_of), key)}."
        elif form_of is int:
            right = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_SEATS
            remedy = f"Give a whole number from 0 to {_MOST_SEATS:,}."
        elif form_of is float:
            right, remedy = _is_number(value) and 0 <= value <= 100, "Give percent, from 0 to 100."
        else:
            right = isinstance(value, list) and all(isinstance(one, str) and one for one in value)
            remedy = f'Write a list of texts, as in {key} = ["A", "B"].'
        if not right:
            raise _Wrong(key, f"`system.{key}` is {value!r}", remedy)
    rules = made(table)
    nationwide = isinstance(rules, MixedRules) or (isinstance(rules, ListRules) and rules.level == "nationwide")
    if nationwide and not rules.seats:  # type: ignore[union-attr]
        raise _Wrong("system", "`system.seats` is missing", "Give the seats that the whole country shares out.")
    return rules


def _either(choices: Sequence[str], key: str) -> str:
    return f"{key} = " + " or ".join(f'"{choice}"' for choice in choices)


def _simulation(table: dict[str, Any]) -> Simulation:
    known = [field.name for field in fields(Simulation)]
    for key, value in table.items():
        if key not in known:
            raise _Wrong(key, f"`simulation.{key}` is not known", f"The keys are {', '.join(known)}.")
        if key != "support":
            most = _MOST.get(key, _MOST_SPREAD)
            if not _is_number(value) or not 0 <= value <= most:
                raise _Wrong(key, f"`simulation.{key}` is {value!r}", f"Give a number from 0 to {most:g}.")
    support = table.get("support", {})
    if not isinstance(support, dict):
        raise _Wrong("support", "`simulation.support` is not a table", "Begin it with a line [simulation.support].")
    for party, drawn in support.items():
        ends = drawn if isinstance(drawn, list) and len(drawn) == 2 and all(map(_is_number, drawn)) else [0, 0]
        if not 0 < ends[0] <= ends[1]:
            raise _Wrong(party, f"the support of {party!r} is {drawn!r}", "Give [lowest, highest], both above 0.")
    return Simulation(
        **table | {"support": tuple((party, float(low), float(high)) for party, (low, high) in support.items())}
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
