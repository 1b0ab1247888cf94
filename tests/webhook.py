"""A webhook that keeps what it is told, for tests of what tells it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Webhook:
    """``told`` are the messages, oldest first; ``status`` is what it answers."""

    url: str
    status: int = 200
    told: list[dict[str, Any]] = field(default_factory=list)

    def events(self, run: str) -> list[tuple[str, str | None]]:
        """What it was told of the run: events, each with its task if it is about one."""
        return [(message["event"], message.get("task")) for message in self.told if message["run"] == run]


@contextmanager
def listening() -> Iterator[Webhook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            webhook.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(webhook.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    webhook = Webhook(f"http://127.0.0.1:{server.server_port}/secret-token")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
