"""Spark takes orders from nobody without its secret, and its pages show without changing anything."""

import json
import logging
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import psutil
import pytest
import requests

from election.clients.pages import page
from election.clients.spark import master_state
from election.clients.spark_access import AUTHENTICATED
from election.contracts import topics
from election.count import driver
from election.messaging.clients import SafeProducer
from election.platform import Platform
from election.settings import PROJECT, Settings
from election.stack.supervision import Supervisor
from election.toolchain import java, spark_home
from tests import count_faults

log = logging.getLogger(__name__)
INTRUDER = PROJECT / "tests" / "intruder"
WHY = {
    "without a secret": "Unknown challenge message",
    "with another secret": "Authentication failed|Outbox is stopped",  # the latter hides the former
}
SECONDS = 400
"""For an answer, at most: a busy machine is no fault."""
PAGES = requests.Session()
PAGES.trust_env = False  # no proxy
REFUSED = {
    "without a secret": (),
    "with another secret": tuple(f"-D{k}={v}" for k, v in {**AUTHENTICATED, "spark.authenticate.secret": "x"}.items()),
}


@pytest.fixture(scope="module")
def counting(counting: Platform) -> Settings:
    """The settings of a platform with the count at work."""
    return counting.settings


@pytest.fixture(scope="module")
def api(counting: Settings) -> str:
    """The address of the count's application in the driver's REST API."""
    application = driver.state(counting).application_id
    address = f"http://127.0.0.1:{counting.spark_driver_ui_port}/api/v1/applications/{application}"
    assert driver.wait_for(lambda: len(_told(f"{address}/executors")) == 2, SECONDS), "driver and executor"
    return address


@pytest.fixture(scope="module")
def attacks(counting: Settings, api: str) -> list[str]:
    """KIND HOST PORT of an attack on each port that Spark's processes listen on, but for the pages."""
    hosts = {told["id"]: told["hostPort"].rpartition(":") for told in _told(f"{api}/executors")}
    blocks = {name: int(port) for name, (_, _, port) in hosts.items()}
    orders = int(dict(_told(f"{api}/environment")["sparkProperties"])["spark.driver.port"])
    (executor,) = blocks.keys() - {"driver"}
    processes = Supervisor(counting).processes()
    known = {
        count_faults.service_process(processes["spark-master"]["pid"]): {counting.spark_master_port},
        count_faults.service_process(processes["spark-worker"]["pid"]): {counting.spark_worker_port},
        count_faults.driver_jvm(counting): {orders, blocks["driver"]},
        count_faults.executor(counting): {blocks[executor]},
    }
    web = {counting.spark_master_ui_port, counting.spark_worker_ui_port, counting.spark_driver_ui_port}
    others = {process: _listening(process) - ports - web for process, ports in known.items()}
    # Python reaches its driver through a port with a token of its own (Py4J).
    assert sorted(len(ports) for ports in others.values()) == [0, 0, 0, 1], others
    attacks = [("master", counting.spark_master_port), ("worker", counting.spark_worker_port), ("driver", orders)]
    attacks += [("blocks", port) for port in blocks.values()]
    return [part for kind, port in attacks for part in (kind, "127.0.0.1", str(port))]


@pytest.mark.parametrize("who", REFUSED)
def test_a_stranger_runs_nothing_and_reads_nothing(counting: Settings, attacks: list[str], who: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)  # whoever runs the payload can leave a proof
        for file in INTRUDER.iterdir():
            shutil.copy(file, folder)
        command: list[str | Path] = [
            java(), "-Xmx256m", f"-Dlog4j2.configurationFile={PROJECT / 'stack' / 'spark-log4j2.properties'}",
            "-Dspark.rpc.lookupTimeout=120s", "-Dspark.rpc.askTimeout=120s", *REFUSED[who],
            "-cp", f"{spark_home()}/jars/*", "org.codehaus.janino.SimpleCompiler", folder / "Intruder.java", "Intruder",
            folder / "Payload.java", folder, counting.spark_master, *attacks,
        ]  # fmt: skip
        if psutil.Process().uids().real == 0:
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS, cwd=folder)
        said = answer.stdout.splitlines()
        log.info("%s", answer.stdout)
        assert len(said) == len(attacks) / 3, answer.stderr[-3000:]
        assert [line for line in said if not re.search(f"refused: .*({WHY[who]})", line)] == []
        assert {file.suffix for file in folder.iterdir()} == {".java"}, "a payload ran"
    assert driver.wait_for(lambda: driver.state(counting).phase == "counting", 60), driver.state(counting)


def test_the_pages_end_neither_the_application_nor_its_jobs_nor_its_worker(
    spark: Platform, counting: Settings, api: str
) -> None:
    before = driver.state(counting)
    executor = count_faults.executor(counting)
    executor.suspend()  # so that a job is under way for as long as this takes
    try:
        producer = SafeProducer(spark.kafka)
        producer.produce(topics.VOTES, b"{}", b"")
        producer.flush()
        assert driver.wait_for(lambda: _told(f"{api}/jobs?status=running") != [], SECONDS)
        (job,) = (told["jobId"] for told in _told(f"{api}/jobs?status=running"))
        (stage, *_) = (told["stageId"] for told in _told(f"{api}/stages?status=active"))
        at_driver, at_master = (f"http://127.0.0.1:{port}" for port in (
            counting.spark_driver_ui_port, counting.spark_master_ui_port))  # fmt: skip
        acts = [
            f"{at_driver}/jobs/job/kill/?id={job}",
            f"{at_driver}/stages/stage/kill/?id={stage}",
            f"{at_master}/app/kill/?id={before.application_id}&terminate=true",
            f"{at_master}/workers/kill/?host=127.0.0.1",
        ]
        for address in acts:
            PAGES.get(address, timeout=SECONDS)
            PAGES.post(address, timeout=SECONDS)
        assert [told["jobId"] for told in _told(f"{api}/jobs?status=running")] == [job]
    finally:
        executor.resume()
    assert driver.wait_for(lambda: (driver.state(counting).batch or 0) > (before.batch or 0), SECONDS)
    assert driver.state(counting).identity == before.identity
    told = master_state(counting)
    assert [worker["state"] for worker in told["workers"]] == ["ALIVE"]
    assert [application["id"] for application in told["activeapps"]] == [before.application_id]


def test_no_page_dumps_threads_or_the_heap(counting: Settings, api: str) -> None:
    ui = f"http://127.0.0.1:{counting.spark_driver_ui_port}"
    for name in ("driver", "0"):
        for tab in ("threadDump", "heapHistogram"):
            shown = PAGES.get(f"{ui}/executors/{tab}/?executorId={name}", timeout=SECONDS).text
            assert "Thread dump for" not in shown and "Heap Histogram for" not in shown
        for path in ("threads", "%74hreads", "threads;x=1", "threads/"):
            assert PAGES.get(f"{api}/executors/{name}/{path}", timeout=SECONDS).status_code == 403
    assert PAGES.get(f"{api}/threads?taskId=1&executorId=0", timeout=SECONDS).status_code == 403


def test_the_secret_is_on_no_page_in_no_command_line_and_in_no_file_but_its_own(counting: Settings, api: str) -> None:
    secret = counting.secret("spark").rpartition("=")[2]
    assert len(secret) > 60
    shown = {address: text for root in (counting.spark_driver_ui_port, counting.spark_master_ui_port,
             counting.spark_worker_ui_port) for address, text in _crawled(f"http://127.0.0.1:{root}/")}  # fmt: skip
    shown |= {path: _get(f"{api}/{path}").text for path in ("environment", "executors", "sql?details=true", "jobs")}
    assert len(shown) > 20 and any("spark.authenticate" in text for text in shown.values())
    assert [address for address, text in shown.items() if secret in text] == []
    passwords = {file.name: file.read_text().strip() for file in counting.secrets.iterdir()}
    assert [(name, address) for name, one in passwords.items() for address, text in shown.items() if one in text] == []
    assert [p.pid for p in psutil.process_iter(["cmdline"]) if secret in " ".join(p.info["cmdline"] or ())] == []
    files = [file for part in ("logs", "spark", "tally", "supervisor") for file in (counting.var / part).rglob("*")]
    held = [file for file in files if file.is_file() and secret.encode() in file.read_bytes()]
    assert held == []


def _told(address: str) -> Any:
    return json.loads(_get(address).text)


def _get(address: str) -> requests.Response:
    return page(address, SECONDS)


def _listening(process: psutil.Process) -> set[int]:
    return {c.laddr.port for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}


def _crawled(root: str, most: int = 80) -> Iterator[tuple[str, str]]:
    """Every page of a server that links lead to from its first one, as (address, text)."""
    seen, waiting = {root}, [root]
    while waiting and len(seen) < most:
        address = waiting.pop(0)
        answer = PAGES.get(address, timeout=SECONDS)
        yield address, answer.text
        for link in re.findall(r'href="([^"#]+)"', answer.text):
            found = urljoin(str(answer.url), link.replace("&amp;", "&"))
            if found.startswith(root) and "/static/" not in found and found not in seen:
                seen.add(found)
                waiting.append(found)
