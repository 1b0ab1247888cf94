"""The map of contests as a component: its shapes are fetched once by the browser, a refresh sends colours alone."""

from pathlib import Path
from urllib.parse import quote

import streamlit as st

from dashboard.feed.memo import memo
from dashboard.view.reader import Reader
from election.live.colours import NEUTRAL
from election.live.snapshots import Snapshot

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "hexmap",
    html='<div class="map"></div>',
    css=(_HERE / "hexmap.css").read_text(),
    js=(_HERE / "hexmap.js").read_text(),
)


def hexmap(snapshot: Snapshot, selected: str, reader: Reader, *, gains: bool = False) -> str | None:
    """Draws the map; returns the contest id that was clicked last, None before the first click.

    ``gains`` colours what is gained fully and what is held pale, by party.
    """
    result, register = snapshot.result, snapshot.register
    answer = _component(
        key="hexmap",
        data={
            "url": f"maps/{quote(register.election.scenario)}.geojson",
            "language": reader.language,
            "selected": selected,
            "label": f"Map of {len(result.contests)} contests by {'gains and holds' if gains else 'leading party'}; "
            "the table below says the same in text.",
            "gains": gains,
            "parties": _parties(snapshot),
            "contests": snapshot.map_states,
        },
        on_contest_change=lambda: None,
    )
    return answer.contest


@memo
def _parties(snapshot: Snapshot) -> dict[str, list[str]]:
    """Name and colour, by abbreviation, of every party that leads somewhere or had a seat there before."""
    contests = snapshot.result.contests
    named = {contest.leading_party for contest in contests} | {contest.seat_before for contest in contests}
    return {
        party: [snapshot.register.party(party).name, snapshot.colours.get(party, NEUTRAL)]
        for party in sorted(filter(None, named))
    }


def has_map(scenarios: Path, scenario: str) -> bool:
    return bool(scenario) and "/" not in scenario and (scenarios / scenario / "map.geojson").is_file()
