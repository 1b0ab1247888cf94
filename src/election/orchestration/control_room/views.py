"""The entries in Airflow's navigation and the tab on a run, as Airflow's plugin interface wants them."""

from typing import Any

from election.orchestration.control_room import addresses
from election.settings import Settings


def views(settings: Settings) -> list[dict[str, Any]]:
    """External views: Results and Data quality in the navigation, Election on every run."""
    return [
        {
            "name": "Results",
            "href": addresses.dashboard(settings),
            "destination": "nav",
            "url_route": addresses.RESULTS_VIEW,
            "nav_top_level": True,
        },
        {
            "name": "Data quality",
            "href": f"{addresses.DATA_DOCS}/",
            "destination": "nav",
            "url_route": addresses.QUALITY_VIEW,
            "nav_top_level": True,
        },
        {
            # Airflow offers a tab on all runs or on none, and fills in nothing but these names.
            "name": "Election",
            "href": f"{addresses.PAGES}/runs/{{DAG_ID}}/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": addresses.ELECTION_VIEW,
        },
    ]
