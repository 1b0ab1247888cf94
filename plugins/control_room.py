"""Names to Airflow what `election.orchestration.control_room` adds to its UI."""

from airflow.plugins_manager import AirflowPlugin

from election.orchestration.control_room.application import APPLICATIONS, MIDDLEWARES
from election.orchestration.control_room.links import LINKS
from election.orchestration.control_room.views import views
from election.settings import Settings


class ControlRoom(AirflowPlugin):
    name = "control_room"
    fastapi_apps = APPLICATIONS
    fastapi_root_middlewares = MIDDLEWARES
    external_views = views(Settings())
    global_operator_extra_links = LINKS
