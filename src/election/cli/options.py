"""The options that describe an election, the same wherever one is registered: `election run` and `election prepare`."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from election.preparation import Registration

Slug = Annotated[str, typer.Option(help="the election's name; default: scenario and time")]
Contests = Annotated[str, typer.Option(help="ids or names of contests, with commas; default: all")]
Region = Annotated[str, typer.Option(help="only this region or country of the scenario")]
Source = Annotated[str, typer.Option(help="offline or randomuser")]
Nationality = Annotated[str, typer.Option(help="of randomuser people")]
Voters = Annotated[int | None, typer.Option(help="registered voters; simulated scenarios only", min=1)]
Turnout = Annotated[float | None, typer.Option(help="share of voters, such as 0.65; simulated scenarios only")]
Seed = Annotated[int, typer.Option(help="the same seed gives the same election")]
Ballots = Annotated[str, typer.Option(help="simulated, or external: a feed brings them")]
Night = Annotated[str, typer.Option(help="replay the night of the declarations in this time, such as 10m")]


def registration(
    scenario: str,
    slug: str,
    contests: str,
    region: str,
    source: str,
    nationality: str,
    voters: int | None,
    turnout: float | None,
    seed: int,
    ballots: str,
    night: str,
) -> "Registration":
    """What the options say, with a name: an empty option is one not given; whether it holds is checked elsewhere."""
    from election.preparation import Registration

    return Registration(
        scenario,
        slug,
        tuple(part.strip() for part in contests.split(",") if part.strip()),
        region or None,
        source,  # type: ignore[arg-type]
        nationality,
        voters,
        turnout,
        seed,
        ballots,  # type: ignore[arg-type]
        night or None,
    ).named()
