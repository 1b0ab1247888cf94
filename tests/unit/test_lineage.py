"""What Airflow tells others: what tasks read and write, complete and with names that exist; its own metrics."""

import base64
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from election.contracts.topics import TOPICS
from election.settings import PROJECT
from election.stack.airflow import environment
from election.stack.airflow_configuration import merged, options, secret_options, written
from election.stack.secrets import generate


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patched.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        from airflow.dag_processing.dagbag import DagBag

        yield DagBag(PROJECT / "dags").dags


def test_every_task_is_in_the_table_and_no_other(dags):
    from election.orchestration.lineage import FLOWS

    assert {name: set(flows) for name, flows in FLOWS.items()} == {
        name: {task.task_id for task in dag.tasks} for name, dag in dags.items()
    }


def test_the_extractor_covers_every_operator(dags):
    from election.orchestration.lineage import FlowExtractor

    used = {task.task_type for dag in dags.values() for task in dag.tasks}
    assert used == set(FlowExtractor.get_operator_classnames())


def test_every_name_is_a_table_or_a_topic():
    from election.orchestration.lineage import FLOWS

    storage = PROJECT / "src" / "election" / "storage"
    tables = {
        name
        for file in storage.rglob("*.sql")
        for name in re.findall(r"CREATE (?:TABLE|OR REPLACE VIEW) (\w+)", file.read_text())
    }
    named = {name for flows in FLOWS.values() for flow in flows.values() for name in (*flow.reads, *flow.writes)}
    assert named - tables - {topic.name for topic in TOPICS} == set()


def test_a_task_reads_and_writes_by_openlineages_own_names(settings):
    from election.orchestration.lineage import FlowExtractor

    task = SimpleNamespace(dag_id="election_run", task_id="publication.publish_candidates")
    found = FlowExtractor(task).extract_on_complete(None)
    assert found is not None
    assert [(place.namespace, place.name) for place in found.outputs] == [
        (f"kafka://{settings.kafka_bootstrap}", "candidates_topic")
    ]
    assert (f"postgres://127.0.0.1:{settings.postgres_port}", "election.public.candidates") in [
        (place.namespace, place.name) for place in found.inputs
    ]


def test_lineage_and_airflows_own_metrics_are_off_until_they_are_asked_for(settings):
    generate(settings)
    plain = written(merged(options(settings), secret_options(settings)))
    assert "[openlineage]" not in plain and "[metrics]" not in plain and "json_logs = False" in plain
    assert not [name for name in environment(settings) if name.startswith("OTEL_")]
    asked = settings.model_copy(update={"lineage": True, "otlp_url": "http://prometheus/otlp", "log_format": "json"})
    found = written(merged(options(asked), secret_options(asked)))
    assert str(asked.lineage_folder) in found and '"type": "file"' in found and "disable_source_code = True" in found
    assert "otel_on = True" in found and "json_logs = True" in found
    assert environment(asked)["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] == "http://prometheus/otlp"
    assert settings.secret("metrics") not in found + str(environment(asked))


def test_airflows_exporter_logs_in_with_the_secret_from_its_file(settings, monkeypatch):
    """By OpenTelemetry's own exporter, as Airflow makes it; to a server that notes what it gets."""
    from airflow._shared.observability.common import get_otel_data_exporter
    from airflow._shared.observability.otel_env_config import load_metrics_env_config
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader

    got: list[tuple[str, str | None]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, self.headers["Authorization"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    generate(settings)
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/api/v1/otlp/v1/metrics"
        for name, value in environment(settings.model_copy(update={"otlp_url": address})).items():
            if name.startswith("OTEL_"):
                monkeypatch.setenv(name, value)
        exporter = get_otel_data_exporter(otel_env_config=load_metrics_env_config())
        assert isinstance(exporter, MetricExporter)
        provider = MeterProvider([PeriodicExportingMetricReader(exporter)])
        provider.get_meter("test").create_counter("airflow.tasks").add(1)
        assert provider.force_flush()
        provider.shutdown()
        server.shutdown()
    login = base64.b64encode(f"metrics:{settings.secret('metrics')}".encode()).decode()
    assert got and set(got) == {("/api/v1/otlp/v1/metrics", f"Basic {login}")}
