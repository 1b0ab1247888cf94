"""Airflow's REST API (v2), as an operator's commands use it. Needs no Airflow in the process."""

import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests

from election.errors import BadInput, ElectionError, NotReachable
from election.settings import Settings

_LOG_LINES = 30
_SECONDS = 30  # that the API server may be silent
_SETTLE = timedelta(seconds=3)  # from the start of the task that asks to the first answer


class Airflow:
    """A client logged in as ``user``, whose password is the secret ``airflow_USER``.

    Raises NotReachable when the API server does not answer, ElectionError when it refuses.
    """

    def __init__(self, settings: Settings, user: str = "admin") -> None:
        self._settings, self.user = settings, user
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy, and no login from a .netrc

    def health(self) -> dict[str, Any]:
        """State of metadatabase, scheduler, triggerer and DAG processor; needs no login."""
        return self._send("GET", "/api/v2/monitor/health", login=False)

    def pause(self, dag_id: str, paused: bool) -> None:
        """Pauses the DAG, or lets it run."""
        self._send("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": paused})

    def dags(self) -> dict[str, bool]:
        """The DAGs Airflow knows, and whether each is paused."""
        return {dag["dag_id"]: dag["is_paused"] for dag in self._dags()}

    def dag_files(self) -> set[str]:
        """Files, relative to the folder of DAGs, in which Airflow has found a DAG."""
        return {dag["relative_fileloc"] for dag in self._dags()}

    def offered(self, dag_id: str, parameter: str) -> list[str]:
        """The values to which the DAG's form limits a parameter; empty without such a limit."""
        known = self._send("GET", f"/api/v2/dags/{dag_id}/details")["params"]
        return list(known.get(parameter, {}).get("schema", {}).get("enum", []))

    def read_again(self, dag_id: str) -> None:
        """Makes the DAG processor read the DAG's file next."""
        token = self._send("GET", f"/api/v2/dags/{dag_id}/details")["file_token"]
        self._send("PUT", f"/api/v2/parseDagFile/{token}")

    def import_errors(self) -> list[str]:
        """DAG files that Airflow could not read, each with the last line of the error."""
        found = self._send("GET", "/api/v2/importErrors?limit=20")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in found]

    def set_connections(self, connections: list[dict[str, Any]]) -> None:
        """Creates the connections (fields as in Airflow's own ConnectionBody), or replaces existing ones."""
        action = {"action": "create", "entities": connections, "action_on_existence": "overwrite"}
        answer = self._send("PATCH", "/api/v2/connections", json={"actions": [action]})
        if errors := answer["create"]["errors"]:
            raise ElectionError(f"Airflow refused the connections: {errors}")

    def trigger(self, dag_id: str, run_id: str, conf: dict[str, Any]) -> None:
        """Starts a run under that id. Raises BadInput if the id is taken."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        response = self._request("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)
        if response.status_code == 409:
            raise BadInput(
                f"There is a run {run_id!r} already. Clear it in Airflow to run it again, or choose another slug."
            )
        self._checked(response)

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        return self._send("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")

    def note(self, dag_id: str, run_id: str, text: str) -> None:
        """Sets the run's note, which its page and the list of runs show."""
        self._send("PATCH", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}", json={"note": text})

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The run's task instances: task_id, map_index, state, try_number, start_date, end_date, ..."""
        found = self._send("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=200")
        return list(found["task_instances"])

    def under_way(self, dag_id: str) -> bool:
        """Whether a task of the DAG runs or is queued: pausing the DAG stops neither."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/~/taskInstances"
        return bool(self._send("GET", path, params={"state": ["queued", "running"], "limit": 1})["task_instances"])

    def stop(self, dag_id: str, run_id: str) -> None:
        """Ends the run as failed; its running tasks are ended too."""
        self._send("PATCH", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}", json={"state": "failed"})

    def clear(self, dag_id: str, run_id: str, task_ids: list[str] | None = None) -> None:
        """Clears a run's tasks (all by default, else those and what follows them), so that they run again."""
        body: dict[str, Any] = {"dry_run": False, "dag_run_id": run_id, "only_failed": False, "reset_dag_runs": True}
        if task_ids:
            body |= {"task_ids": task_ids, "include_downstream": True}
        self._send("POST", f"/api/v2/dags/{dag_id}/clearTaskInstances", json=body)

    def mark(self, dag_id: str, run_id: str, task_id: str, state: str) -> None:
        """Sets a task's state by hand, ``success`` or ``failed``."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
        self._send("PATCH", path, json={"new_state": state})

    def questions(self, dag_id: str) -> list[dict[str, Any]]:
        """Pending questions of the DAG's runs: subject, options, task_instance, ..."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/~/hitlDetails"
        found = self._send("GET", path, params={"response_received": "false", "state": "awaiting_input", "limit": 100})
        return list(found["hitl_details"])

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str, form: dict[str, Any] | None = None) -> None:
        """Answers a task's pending question. Fields that ``form`` leaves out keep the values shown.

        Raises ElectionError when it has none, when it was answered, or when this user may not answer it.
        """
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        question = self._send("GET", path)
        shown = {name: field["value"] for name, field in question["params"].items()}
        asked = datetime.fromisoformat(question["task_instance"]["start_date"])
        # A task that resumes within the scheduler's own round looks to it like one that was killed.
        time.sleep(max(timedelta(), asked + _SETTLE - datetime.now(UTC)).total_seconds())
        response = self._request("PATCH", path, json={"chosen_options": [option], "params_input": shown | (form or {})})
        if response.status_code == HTTPStatus.CONFLICT:
            raise ElectionError(f"{_answered(self._send('GET', path))} This answer was not taken.")
        if response.status_code == HTTPStatus.FORBIDDEN:
            may = ", ".join(user["id"] for user in question["assigned_users"]) or "users who may start runs"
            raise ElectionError(f"{self.user} may not answer this question. These may: {may}.")
        self._checked(response)

    def log_tail(self, dag_id: str, run_id: str, task: dict[str, Any], lines: int = _LOG_LINES) -> list[str]:
        """The last lines that the task's latest try wrote."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        found = self._send("GET", path, params={"map_index": task["map_index"], "full_content": "true"})
        text: list[str] = []
        for entry in found["content"]:
            if isinstance(entry, str):
                text += entry.splitlines()
                continue
            text += str(entry.get("event", "")).splitlines()
            for error in entry.get("error_detail") or []:
                text.append(f"{error.get('exc_type')}: {error.get('exc_value')}")
        return text[-lines:]

    def _dags(self) -> list[dict[str, Any]]:
        return list(self._send("GET", "/api/v2/dags?limit=100")["dags"])

    def _send(self, method: str, path: str, *, login: bool = True, **request: Any) -> Any:
        return self._checked(self._request(method, path, login=login, **request))

    def _request(self, method: str, path: str, *, login: bool = True, **request: Any) -> requests.Response:
        try:
            if login and "Authorization" not in self._http.headers:
                self._log_in()
            response = self._once(method, path, **request)
            if login and response.status_code == 401:  # the token has expired
                self._log_in()
                response = self._once(method, path, **request)
            return response
        except requests.RequestException as error:
            raise NotReachable(
                f"Airflow does not answer at {self._settings.airflow_url} ({error}). "
                "`election status` shows what runs, `make up` starts it."
            ) from error

    def _once(self, method: str, path: str, **request: Any) -> requests.Response:
        url = self._settings.airflow_url + path
        return self._http.request(method, url, timeout=_SECONDS, allow_redirects=False, **request)

    def _log_in(self) -> None:
        password = self._settings.airflow_password(self.user)
        response = self._once("POST", "/auth/token", json={"username": self.user, "password": password})
        token = self._checked(response)["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def _checked(self, response: requests.Response) -> Any:
        if not response.ok:
            path = urlsplit(response.url).path
            raise ElectionError(
                f"Airflow refused {response.request.method} {path}: {response.status_code} {response.text[:500]}"
            )
        return response.json() if response.content else None


def _answered(question: dict[str, Any]) -> str:
    """Who answered the question, and what."""
    by = (question["responded_by_user"] or {}).get("id", "An unknown user")
    return f"{by} answered {' and '.join(question['chosen_options'] or ['nothing'])!r} already."
