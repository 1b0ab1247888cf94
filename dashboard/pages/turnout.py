"""Turnout by gender, age group, hour and location; registered voters are the base."""

import streamlit as st

from dashboard.view import components
from dashboard.view.reader import Reader
from dashboard.view.templates import render
from election.live.contests import page
from election.live.snapshots import Snapshot
from election.live.turnout import GroupTurnout
from election.text import plain

PAGE_SIZE = 25
ORDERS = {
    "Name": lambda group: (group.name, group.region),
    "Highest turnout": lambda group: (group.share is None, -(group.share or 0), group.name),
    "Lowest turnout": lambda group: (group.share is None, group.share or 0, group.name),
    "Most registered": lambda group: (-(group.registered or 0), group.name),
}


def draw(snapshot: Snapshot, reader: Reader) -> None:
    st.html(components.figures(snapshot, reader))
    genders, ages = st.columns(2, gap="large")
    with genders:
        _groups("Turnout by gender", "Gender", snapshot.genders, reader)
    with ages:
        _groups("Turnout by age group, in years", "Age group", snapshot.age_groups, reader)
    if snapshot.hours:
        st.html(render("hours.html", rows=snapshot.hours, reader=reader))
    words, order, number = st.columns([3, 2, 1], vertical_alignment="bottom")
    with words:
        wanted = st.text_input("Search places", key="place-search")
    with order:
        by = st.selectbox("Order", list(ORDERS), key="place-order")
    needle = plain(wanted)
    found = [place for place in snapshot.locations if needle in plain(f"{place.name} {place.region} {place.country}")]
    found.sort(key=ORDERS[by])
    pages = page(found, 1, PAGE_SIZE).pages
    with number:
        at = st.number_input(f"Page of {reader.number(pages)}", 1, pages, key=f"place-page-{wanted}-{by}")
    shown = page(found, at, PAGE_SIZE)
    caption = (
        f"Turnout by place: {reader.number(shown.first)} to {reader.number(shown.last)} of {reader.number(shown.found)}"
    )
    _groups(caption, "Place", shown.rows, reader, places=True)


def _groups(caption: str, what: str, groups: tuple[GroupTurnout, ...], reader: Reader, *, places: bool = False) -> None:
    st.html(render("turnout.html", caption=caption, what=what, rows=groups, places=places, reader=reader))
