"""A run's parameters, declared once: names, defaults, bounds, titles and help texts.

Airflow's forms (`orchestration/form.py`), the options of the command line (`cli/options.py`), the Makefile and
registration derive from these models. An empty text or list, or null, means: not given.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from election.errors import BadInput
from election.sources import Source

Ballots = Literal["simulated", "external"]

# `$` alone lets a trailing newline through; JavaScript, which reads the patterns too, has no `\Z`.
_END = r"$(?!\n)"
SLUG = rf"^[a-z0-9][a-z0-9-]{{0,62}}{_END}"
TEXT = rf"^[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*{_END}"
LINES = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]*$"
NIGHT = rf"^(?=.)([0-9]{{1,6}}h)?([0-9]{{1,6}}m)?([0-9]{{1,6}}s)?{_END}"
_FORMS = {
    SLUG: "1 to 63 of a-z, 0-9 and '-', beginning with a letter or digit",
    TEXT: "text without control characters",
    LINES: "text without control characters",
    NIGHT: "a duration such as 10m, 90s or 1h30m",
}

MOST_VOTERS = 1_000_000_000
MOST_RATE = 1_000_000
MOST_WORKERS = 8
MOST_CONTESTS = 1_000
_SEED_BITS = 63


def _section(name: str) -> dict[str, Any]:
    return {"section": name}


class Parameters(BaseModel):
    """The base of the models: unknown names and wrong types are refused, with BadInput that names each of them."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    def __init__(self, /, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            names = list(type(self).model_fields)
            raise BadInput("\n".join(_refusal(names, found) for found in error.errors())) from None

    @model_validator(mode="before")
    @classmethod
    def _empty_is_not_given(cls, given: Any) -> Any:
        return {name: value for name, value in given.items() if value is not None and value not in ("", [], ())}


class Registration(Parameters):
    """What makes an election what it is. ``voters`` and ``turnout`` are for simulated scenarios only."""

    scenario: str = Field(
        "uk-general-election-2019",
        max_length=100,
        pattern=TEXT,
        title="Scenario",
        description="A folder under scenarios/.",
        json_schema_extra=_section("Election"),
    )
    slug: str = Field(
        "",
        pattern=SLUG,
        title="Slug",
        description="The election's name in addresses and commands: a-z, 0-9 and '-'. Empty: scenario and time.",
        json_schema_extra=_section("Election"),
    )
    contests: tuple[Annotated[str, Field(max_length=10_000, pattern=LINES)], ...] = Field(
        (),
        max_length=MOST_CONTESTS,
        title="Contests",
        description="Ids or names of contests, a line each, or with semicolons between them; empty: all. "
        "W07000041 is Ynys Môn.",
        # What Airflow's form is filled in with: one constituency.
        examples=[["W07000041"]],
        json_schema_extra=_section("Election"),
    )
    region: str | None = Field(
        None,
        max_length=200,
        pattern=TEXT,
        title="Region",
        description="Only the contests of this region or country, such as Northern Ireland.",
        json_schema_extra=_section("Election"),
    )
    source: Source = Field(
        "offline",
        title="Electorate source",
        description="offline makes people from the seed; randomuser asks the randomuser.me API (slow; thousands).",
        json_schema_extra=_section("Electorate"),
    )
    nationality: str = Field(
        "gb",
        max_length=200,
        pattern=TEXT,
        title="Nationality",
        description="Nationalities of people from randomuser: one or more of the API's codes, with commas.",
        json_schema_extra=_section("Electorate"),
    )
    voters: int | None = Field(
        None,
        ge=1,
        le=MOST_VOTERS,
        title="Voters",
        description="Registered voters; simulated scenarios only, a replay has the official number.",
        json_schema_extra=_section("Electorate"),
    )
    turnout: float | None = Field(
        None,
        gt=0,
        le=1,
        allow_inf_nan=False,
        title="Turnout",
        description="Share of voters who vote, such as 0.65; simulated scenarios only.",
        json_schema_extra=_section("Electorate"),
    )
    seed: int = Field(
        2019,
        ge=-(2**_SEED_BITS),
        le=2**_SEED_BITS - 1,
        title="Seed",
        description="The same seed gives the same electorate and the same votes. A whole number of 64 bits.",
        json_schema_extra=_section("Electorate"),
    )
    ballots: Ballots = Field(
        "simulated",
        title="Ballots",
        description="simulated: voters decide by themselves; external: a feed puts ballots on ballots_topic.",
        json_schema_extra=_section("Casting"),
    )
    night: str | None = Field(
        None,
        pattern=NIGHT,
        title="Night",
        description="Replay the night of the declarations in this time, such as 10m, a week at most; empty: no night.",
        json_schema_extra=_section("Casting"),
    )

    def __init__(
        self, scenario: str | None = None, slug: str = "", contests: Sequence[str] = (), /, **given: Any
    ) -> None:
        positional = {"scenario": scenario, "slug": slug, "contests": contests}
        super().__init__(**{name: value for name, value in positional.items() if value} | given)

    @field_validator("contests", mode="before")
    @classmethod
    def _contests(cls, given: Any) -> Any:
        if not isinstance(given, list | tuple):
            return given
        return tuple(name for name in given if not isinstance(name, str) or name.strip())

    @field_validator("night")
    @classmethod
    def _within_a_week(cls, night: str | None) -> str | None:
        from election.nights import seconds

        if night is not None:
            seconds(night)
        return night

    @model_validator(mode="after")
    def _one_pace(self) -> Self:
        paces = {
            "rate": getattr(self, "rate", 0),
            "night": self.night,
            "ballots=external": self.ballots == "external",
        }
        given = [name for name, value in paces.items() if value]
        if len(given) > 1:
            raise BadInput(f"{' and '.join(given)} exclude each other: each of them says when ballots come. Keep one.")
        return self

    def named(self, at: datetime | None = None) -> Self:
        """With the default slug, scenario and time (by default now), when none was given."""
        at = at or datetime.now(UTC)
        return self if self.slug else self.model_copy(update={"slug": f"{self.scenario[:46]}-{at:%Y%m%d-%H%M%S}"})


_RATE = Field(
    0,
    ge=0,
    le=MOST_RATE,
    allow_inf_nan=False,
    title="Rate",
    description="Votes per second across all workers (0 = unlimited).",
    json_schema_extra=_section("Casting"),
)


class Pace(Parameters):
    """How fast votes are cast where no Airflow does it: `election cast`."""

    rate: float = _RATE


def _fault(title: str, description: str) -> Any:
    return Field(
        0,
        ge=0,
        le=MOST_VOTERS,
        title=title,
        description=f"{description} A fault in the first contest's papers, for an audit to find. Lays down papers.",
        json_schema_extra=_section("Audit"),
    )


class Run(Registration):
    """A run of ``election_run``: an election, and how it is cast and certified."""

    rate: float = _RATE
    workers: int = Field(
        2,
        ge=1,
        le=MOST_WORKERS,
        title="Workers",
        description="Casting workers side by side, in one consumer group.",
        json_schema_extra=_section("Casting"),
    )
    box: bool = Field(
        False,
        title="Lay down papers for an audit",
        description="Lay down papers of all ballots in boxes before they are counted, to rehearse an audit.",
        json_schema_extra=_section("Audit"),
    )
    flipped: int = _fault("Flipped", "Papers for another candidate that are counted for the winner.")
    swapped: int = _fault("Swapped", "Pairs of boxes that stand in each other's place.")
    lost: int = _fault("Lost", "Papers that are lost.")
    auto_certify: bool = Field(
        False,
        title="Certify without asking",
        description="Certify the result at once after the gates, in the name of the user who starts the run.",
        json_schema_extra=_section("Certification"),
    )

    @model_validator(mode="after")
    def _papers(self) -> Self:
        if self.ballots == "external" and (self.box or self.flipped or self.swapped or self.lost):
            raise BadInput("box excludes ballots=external: the papers of ballots from outside are outside too.")
        return self


class Recount(Parameters):
    """A run of ``recount``."""

    slug: str = Field(pattern=SLUG, title="Slug", description="The certified election whose ballots are counted again.")


class Audit(Parameters):
    """A run of ``audit``."""

    slug: str = Field(
        pattern=SLUG, title="Slug", description="The counted election to audit; its papers were laid down before."
    )
    method: Literal["comparison", "polling"] = Field(
        "comparison",
        title="Method",
        description="comparison holds each paper against its record; polling looks at papers alone and needs more.",
    )
    risk_limit: float = Field(
        0.05,
        gt=0,
        lt=1,
        allow_inf_nan=False,
        title="Risk limit",
        description="The chance that a wrong outcome is confirmed, such as 0.05.",
    )
    simulate: bool = Field(
        True,
        title="Simulated auditors",
        description="Dice are thrown and papers are read without people. Otherwise the run waits for "
        "`election audit seed`, `enter`, `risk`, `draw` and `sign-off`.",
    )
    misread: float = Field(
        0.0,
        ge=0,
        le=0.5,
        allow_inf_nan=False,
        title="Misread",
        description="The share of papers that each simulated auditor reads wrongly, such as 0.01.",
    )


def _refusal(names: list[str], found: ErrorDetails) -> str:
    """One error of pydantic's in a sentence that names the parameter and its value."""
    name = ".".join(str(part) for part in found["loc"])
    kind, context = found["type"], found.get("ctx", {})
    if kind == "extra_forbidden":
        near = get_close_matches(name, names, n=1)
        return f"There is no parameter {name!r}. " + (f"Did you mean {near[0]}?" if near else "Leave it out.")
    if kind == "missing":
        return f"`{name}` is missing."
    if kind == "string_pattern_mismatch":
        why = f"give {_FORMS[context['pattern']]}"
    else:
        why = re.sub(r"^\w+ should", "it should", found["msg"]).replace("valid tuple", "list")
    return f"`{name}` cannot be {_shown(found['input'])}: {why}."


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return "a number of so many digits"
    return text if len(text) <= 80 else f"{text[:80]}… ({len(text):,} characters)"
