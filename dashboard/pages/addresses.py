"""The pages and their addresses, in the order of the navigation."""

import streamlit as st

from dashboard.pages import contests, downloads, frame, integrity, night, result, turnout

PAGES = {
    "Result": st.Page(lambda: frame.page(result.draw), title="Result", default=True),
    "Map and contests": st.Page(lambda: frame.page(contests.draw), title="Map and contests", url_path="contests"),
    "Turnout": st.Page(lambda: frame.page(turnout.draw), title="Turnout", url_path="turnout"),
    "Night": st.Page(lambda: frame.page(night.draw), title="Night", url_path="night"),
    "Integrity": st.Page(lambda: frame.page(integrity.draw), title="Integrity", url_path="integrity"),
    "Downloads": st.Page(lambda: frame.page(downloads.draw), title="Downloads", url_path="downloads"),
}
