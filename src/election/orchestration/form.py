"""The forms that Airflow shows where a run is started: the parameters of each DAG."""

from airflow.sdk import Param

from election import scenarios
from election.settings import Settings

ELECTION_RUN = {
    "slug": Param(
        None,
        type=["null", "string"],
        pattern="^[a-z0-9][a-z0-9-]{0,62}$",
        title="Slug",
        description="The election's name in addresses and commands: a-z, 0-9 and '-'. Empty: scenario and time.",
        section="Election",
    ),
    "scenario": Param(
        "uk-general-election-2019",
        type="string",
        enum=scenarios.names(Settings().scenarios),
        title="Scenario",
        description="A folder under scenarios/.",
        section="Election",
    ),
    "contests": Param(
        ["W07000041"],
        type=["null", "array"],
        items={"type": "string"},
        title="Contests",
        description="Ids or names of contests, one a line; empty: all. W07000041 is Ynys Môn.",
        section="Election",
    ),
    "region": Param(
        None,
        type=["null", "string"],
        title="Region",
        description="Only the contests of this region or country, such as Northern Ireland.",
        section="Election",
    ),
    "source": Param(
        "offline",
        type="string",
        enum=["offline", "randomuser"],
        title="Electorate source",
        description="offline makes people from the seed; randomuser asks the randomuser.me API (slow; thousands).",
        section="Electorate",
    ),
    "nationality": Param(
        "gb",
        type="string",
        title="Nationality",
        description="Of randomuser people: one or more of the API's codes, with commas.",
        section="Electorate",
    ),
    "voters": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        title="Voters",
        description="Registered voters; simulated scenarios only, a replay has the official number.",
        section="Electorate",
    ),
    "turnout": Param(
        None,
        type=["null", "number"],
        exclusiveMinimum=0,
        maximum=1,
        title="Turnout",
        description="Share of voters who vote, such as 0.65; simulated scenarios only.",
        section="Electorate",
    ),
    "seed": Param(
        2019,
        type="integer",
        title="Seed",
        description="The same seed gives the same electorate and the same votes.",
        section="Electorate",
    ),
    "ballots": Param(
        "simulated",
        type="string",
        enum=["simulated", "external"],
        title="Ballots",
        description="simulated: voters decide by themselves; external: a feed puts ballots on ballots_topic.",
        section="Casting",
    ),
    "rate": Param(
        0,
        type="number",
        minimum=0,
        title="Rate",
        description="Votes a second over all workers; 0: as fast as it goes.",
        section="Casting",
    ),
    "night": Param(
        None,
        type=["null", "string"],
        pattern="^(?=.)([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
        title="Night",
        description="Replay the night of the declarations in this time, such as 10m; empty: no night.",
        section="Casting",
    ),
    "workers": Param(
        2,
        type="integer",
        minimum=1,
        maximum=8,
        title="Workers",
        description="Casting workers side by side, in one consumer group.",
        section="Casting",
    ),
    "auto_certify": Param(
        False,
        type="boolean",
        title="Certify without asking",
        description="After the gates the result is certified at once, in the name of who starts the run.",
        section="Certification",
    ),
}

DECISION = {
    "reason": Param(
        "",
        type="string",
        title="Reason",
        description="What the decision rests on, in a sentence. It is kept with the decision and may not be empty.",
    ),
}

RECOUNT = {
    "slug": Param(
        type="string",
        pattern="^[a-z0-9][a-z0-9-]{0,62}$",
        title="Slug",
        description="The certified election whose ballots are counted again.",
    ),
}
