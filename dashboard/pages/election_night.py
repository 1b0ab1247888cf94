"""The dashboard's pages and their addresses. Streamlit runs this for each visitor."""

import streamlit as st

from dashboard.pages import frame
from dashboard.pages.addresses import pages

st.set_page_config(page_title="Election night", page_icon=frame.ICON, layout="wide")
frame.style()
st.navigation(list(pages().values()), position="hidden").run()
