"""A stand-in for a cluster's API server: keeps what it is asked to create, and runs nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import yaml

from tests.kubernetes.manifests import Object

KINDS = {"pods": "PodList", "configmaps": "ConfigMapList", "services": "ServiceList"}


@contextmanager
def api_server() -> Iterator[tuple[str, list[Object]]]:
    """Its address, and the objects that it was asked to create, in this order."""
    made: list[Object] = []
    over = Event()

    class Api(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            name = path.rsplit("/", 1)[-1]
            if "watch=true" in query:  # nothing ever happens here
                self.send_response(200)
                self.end_headers()
                over.wait()
                self.close_connection = True
            elif name in KINDS:
                self._answer(
                    {"kind": KINDS[name], "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []}
                )
            elif name == "version":
                self._answer({"major": "1", "minor": "34", "gitVersion": "v1.34.0"})
            else:
                self._answer({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}, 404)

        def do_PATCH(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            found: Any = yaml.safe_load(self.rfile.read(int(self.headers["Content-Length"])))  # JSON, too
            made.append(json.loads(json.dumps(found)))
            found["metadata"] |= {"uid": f"{len(made)}", "namespace": "election", "resourceVersion": "1"}
            self._answer(found, 201)

        def _answer(self, body: Object, status: int = 200) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", made
    finally:
        over.set()
        server.shutdown()
        server.server_close()
