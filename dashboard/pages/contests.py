"""Map and contests: the map where the scenario has one, else a ranking; one contest in full; the table of all."""

import streamlit as st

from dashboard.feed import feed
from dashboard.feed.memo import memo
from dashboard.pages import frame
from dashboard.view import changed, components, systems
from dashboard.view.hexmap import has_map, hexmap
from dashboard.view.links import Links
from dashboard.view.reader import Reader
from dashboard.view.templates import render
from dashboard.view.wording import HOWS
from election.live.contests import CHANGES, ORDERS, page, search
from election.live.result import ContestResult
from election.live.snapshots import Snapshot

PAGE_SIZE = 25
MAPS = ("Leading party", GAINS := "Gains and holds")
PROGRESS = {"none": "no report", "counting": "counting", "complete": "complete"}


def draw(snapshot: Snapshot, reader: Reader) -> None:
    result, register = snapshot.result, snapshot.register
    chosen = result.by_id.get(st.query_params.get("contest", ""))
    if len(result.contests) == 1:
        _contest(snapshot, result.contests[0], reader)
        if len(snapshot.locations) > 1:
            st.html(components.ranked_places(snapshot, reader))
        return
    st.html(components.seat_bar(snapshot, reader))
    mapped = has_map(feed().platform.settings.scenarios, register.election.scenario)
    left, right = st.columns([9, 11], gap="large") if mapped else (st.container(), st.container())
    with left:
        if mapped:
            gains = register.earlier is not None and _gains()
            clicked = hexmap(snapshot, chosen.contest.id if chosen else "", reader, gains=gains)
            # A click stays the component's state; only a new one moves the reader to another contest.
            if clicked and clicked != st.session_state.get("clicked") and clicked in result.by_id:
                chosen = result.by_id[clicked]
                st.query_params["contest"] = clicked
            st.session_state["clicked"] = clicked
            st.html(components.map_legend(snapshot, gains=gains))
    with right:
        if chosen:
            _contest(snapshot, chosen, reader)
        elif mapped:
            st.html(components.closest(snapshot, reader, frame.links()))
        else:
            st.html(components.ranked_contests(snapshot, reader, frame.links()))
    _table(snapshot, chosen, reader)


def _gains() -> bool:
    """Whether the reader wants to see who gained and who held."""
    return st.radio("What the map shows", MAPS, horizontal=True, key="map", label_visibility="collapsed") == GAINS


def _contest(snapshot: Snapshot, contest: ContestResult, reader: Reader) -> None:
    polling_day = snapshot.register.election.polling_day
    st.html(render("contest.html", contest=contest, states=PROGRESS, polling_day=polling_day, reader=reader))
    st.html(components.leader(snapshot, contest, reader))
    st.html(components.contest_figures(contest, reader))
    st.html(components.candidates(snapshot, contest, reader))
    if staged := systems.stages(snapshot, contest, reader):
        st.html(staged)


def _table(snapshot: Snapshot, chosen: ContestResult | None, reader: Reader) -> None:
    words, order, number = st.columns([3, 2, 1], vertical_alignment="bottom")
    with words:
        wanted = st.text_input("Search contests and candidates", key="contest-search")
    with order:
        orders = {**ORDERS, **(CHANGES if snapshot.register.earlier else {})}
        by = st.selectbox("Order", list(orders), key="contest-order")
    pages = page(_found(snapshot, wanted, by), 1, PAGE_SIZE).pages
    with number:
        at = st.number_input(f"Page of {reader.number(pages)}", 1, pages, key=f"contest-page-{wanted}-{by}")
    st.html(_rows(snapshot, wanted, by, at, chosen.contest.id if chosen else "", reader, frame.links()))


@memo
def _found(snapshot: Snapshot, words: str, order: str) -> list[ContestResult]:
    return search(snapshot.result.contests, words, order)


@memo
def _rows(snapshot: Snapshot, words: str, order: str, number: int, selected: str, reader: Reader, links: Links) -> str:
    return render(
        "contests.html",
        page=page(_found(snapshot, words, order), number, PAGE_SIZE),
        election=snapshot.register.election,
        colours=snapshot.colours,
        states=PROGRESS,
        hows=HOWS,
        against=snapshot.register.earlier is not None,
        changed=changed,
        selected=selected,
        links=links,
        declared=any(contest.contest.declared_at for contest in snapshot.result.contests),
        reader=reader,
    )
