"""One module a page; each has a ``draw`` for the live part that the frame repeats."""

import streamlit as st

from dashboard.pages import frame, result

PAGES: dict[str, st.Page] = {
    "Result": st.Page(lambda: frame.page(result.draw), title="Result", default=True),
}
