"""What every page has around its content: the election of the URL, navigation, refresh and the banner."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.feed import Snapshots, feed
from dashboard.view.banner import banner
from dashboard.view.links import REFRESH, Links
from dashboard.view.reader import Reader
from dashboard.view.templates import render
from election.live.snapshots import Snapshot

DEFAULT_REFRESH = "2"
ICON = str(Path(__file__).parents[1] / "view" / "icon.svg")
STATES = {
    "registered": "registered",
    "open": "voting",
    "closed": "counting",
    "counted": "counted",
    "certified": "certified",
    "refused": "refused",
}
Draw = Callable[[Snapshot, Reader], None]
Pages = Mapping[str, StreamlitPage]
"""Each page by the name that the navigation shows, in its order; one is named `Result`."""


def style() -> None:
    st.html(Path(__file__).parents[1] / "view" / "style.css")


def reader() -> Reader:
    return Reader(st.context.locale or "en-GB", st.context.timezone or "UTC")


def links() -> Links:
    """As the URL asks for; to be read here and handed to the pieces, which readers share."""
    return Links(bool(st.context.is_embedded), st.query_params.get("refresh", ""))


def page(draw: Draw, pages: Pages) -> None:
    """Draws the election in the URL with links to all pages, or the list of elections if the URL names none."""
    slug = st.query_params.get("election", "")
    if not slug:
        _repeat(lambda: _elections(feed(), ""), 2.0)
        return
    navigation = st.container(horizontal=True, vertical_alignment="center", key="navigation")
    with navigation:
        _navigate(slug, pages)
        seconds = _refresh()

    def live() -> None:
        snapshot = feed().snapshot(slug)
        if snapshot is None:
            _elections(feed(), _not_found(feed(), slug[:80]))
            return
        contests = snapshot.register.contests
        place = contests[0].label if len(contests) == 1 else ""
        st.html(render("heading.html", election=snapshot.register.election, place=place, reader=reader()))
        st.html(_banner(snapshot, reader()))
        draw(snapshot, reader())

    _repeat(live, seconds)


def _not_found(source: Snapshots, slug: str) -> str:
    if not source.postgres.ok:
        return f"“{slug}” cannot be looked up at the moment: Postgres does not answer. {source.postgres.trouble}"
    return f"There is no election “{slug}”."


def _banner(snapshot: Snapshot, to: Reader) -> str:
    source = feed()
    caught_up = source.count.caught_up.is_set()
    live = source.count.live
    return banner(snapshot, live, source.kafka, source.postgres, datetime.now(UTC), to, caught_up=caught_up)


def _repeat(content: Callable[[], None], seconds: float | None) -> None:
    st.fragment(content, run_every=seconds)()


def _navigate(slug: str, pages: Pages) -> None:
    # The list is the result page without an election: it must not look like the page that is open.
    with st.container(key="navigation-list", width="content"):
        st.page_link(pages["Result"], label="All elections", icon=":material/arrow_back:", query_params=links().carried)
    for name, target in pages.items():
        st.page_link(target, label=name, query_params={"election": slug, **links().carried})


def _refresh() -> float | None:
    """Seconds between refreshes as the reader chose, kept in the URL; None when off."""
    asked = st.query_params.get("refresh", DEFAULT_REFRESH)
    if asked not in REFRESH:
        asked = DEFAULT_REFRESH
    key = f"refresh-{asked}"  # another one in the URL is another choice, whatever was chosen here before
    chosen = st.selectbox(
        "Refresh",
        list(REFRESH),
        key=key,
        index=list(REFRESH).index(asked),
        on_change=_choose,  # before the page is drawn, whose links carry it
        args=(key,),
        format_func=lambda key: f"Refresh: {REFRESH[key]}",
        width=190,
        label_visibility="collapsed",
    )
    return None if chosen == "off" else float(chosen)


def _choose(key: str) -> None:
    st.query_params["refresh"] = st.session_state[key]


def _elections(source: Snapshots, notice: str) -> None:
    known, reach = source.elections(), source.postgres
    if not reach.ok:
        since = reader().moment(reach.answered_at) if reach.answered_at else "the start"
        notice = notice or f"Postgres has not answered since {since}. {reach.trouble}"
    answered = reach.ok and reach.answered_at is not None
    given = {"elections": known, "known": answered, "notice": notice}
    st.html(render("elections.html", **given, reader=reader(), states=STATES, links=links()))
