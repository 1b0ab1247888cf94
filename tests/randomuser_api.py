"""A web server that answers like the randomuser.me API 1.4, and, when told to, in the ways in which it goes wrong."""

import json
import random
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

COUNTRIES = {"GB": "United Kingdom", "FR": "France", "UA": "Ukraine"}
CITIES = ("Ynys Môn", "Bath", "Київ", "Armagh", "Leeds")
STATES = ("Gwynedd", "Somerset", "Борис", "Kent")
LARGE = 134_217_728
PHOTO = b"\xff\xd8\xff\xe0 the face of "


class RandomUserApi(ThreadingHTTPServer):
    """``troubles`` are taken one a request, photos excepted; ``asked`` holds every request's parameters,
    ``sent`` how many bytes of each large photo were taken."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.troubles: deque[str] = deque()
        self.photo_troubles: deque[str] = deque()
        self.asked: list[dict[str, str]] = []
        self.connections = 0
        self.sent: list[int] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/1.4/"


TROUBLES = (
    "too many",
    "server error",
    "truncated",
    "empty",
    "no results",
    "error with status 200",
    "error beside people",
    "fewer people",
    "wrong types",
    "nulls",
    "unknown country",
    "unknown nationality",
    "not UTF-8",
    "not JSON",
    "no date",
    "connection dropped",
)
SLOW = ("hanging", "dripping", "dripping headers")
"""Troubles that end only when whoever asked has had enough."""


@contextmanager
def serving() -> Iterator[RandomUserApi]:
    """The API on a free port of loopback, until the block ends."""
    server = RandomUserApi()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: RandomUserApi
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path.startswith("/photo/"):
            self._photo()
            return
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.server.asked.append(asked)
        trouble = self.server.troubles.popleft() if self.server.troubles else None
        if trouble == "connection dropped":
            self.close_connection = True
            self.connection.close()
            return
        if trouble in SLOW:
            self._drip(_body(asked, self.server.url, None), trouble)
            return
        if trouble == "too many":
            self._answer(429, json.dumps({"error": "Whoa, ease up there cowboy"}).encode(), {"Retry-After": "0"})
            return
        if trouble == "server error" or len(asked["seed"]) == 18:
            self._answer(503, b"<html>Service Unavailable</html>")
            return
        self._answer(200, _body(asked, self.server.url, trouble))

    def _drip(self, body: bytes, trouble: str) -> None:
        """Accepts the request and says nothing, or says all of it at a byte a second."""
        headers = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        self.close_connection = True
        try:
            if trouble == "dripping":
                self.wfile.write(headers)
            for byte in headers if trouble == "dripping headers" else body:
                if self.server.over.wait(1.0):
                    return
                if trouble != "hanging":
                    self.wfile.write(bytes([byte]))
        except OSError:
            pass  # whoever asked has had enough

    def _photo(self) -> None:
        trouble = self.server.photo_troubles.popleft() if self.server.photo_troubles else None
        if trouble == "not found":
            self._answer(404, b"no")
        elif trouble == "large":
            self._large()
        elif trouble == "not a picture":
            self._answer(200, b"<html></html>", {"Content-Type": "text/html"})
        else:
            self._answer(200, PHOTO + self.path.encode(), {"Content-Type": "image/jpeg"})

    def _large(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.end_headers()
        self.close_connection = True
        sent, piece = 0, bytes(1_048_576)
        try:
            while sent < LARGE:
                self.wfile.write(piece)
                sent += len(piece)
        except OSError:
            pass  # whoever asked has had enough
        self.server.sent.append(sent)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | (headers or {})).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _body(asked: dict[str, str], url: str, trouble: str | None) -> bytes:
    if trouble == "empty":
        return b""
    if trouble == "not JSON":
        return b"Uh oh, something has gone wrong."
    if trouble == "error with status 200":
        return json.dumps({"error": "Uh oh, something has gone wrong. Please tweet us @randomapi"}).encode()
    number = int(asked.get("results", "1"))
    if not 1 <= number <= 5000:
        number = 1
    page = int(asked.get("page", "1"))
    nationalities = asked.get("nat", "gb").upper().split(",")
    if not set(nationalities) <= COUNTRIES.keys():
        nationalities = list(COUNTRIES)
    people = [
        included(person(asked["seed"], page if page <= 10_000 else 1, index, nationalities, url), asked.get("inc"))
        for index in range(number - (trouble == "fewer people"))
    ]
    if trouble == "no results":
        people = []
    if people and trouble in _SPOILT:
        _SPOILT[trouble](people[-1])
    error = {"error": "Uh oh"} if trouble == "error beside people" else {}
    body = json.dumps(error | {"results": people, "info": {"results": number}}, ensure_ascii=False).encode()
    if trouble == "truncated":
        return body[: len(body) // 2]
    return body.replace(b"Bath", b"B\xe2th") if trouble == "not UTF-8" else body


def included(person: dict[str, Any], names: str | None) -> dict[str, Any]:
    """Only the fields that were asked for, when any were."""
    return person if names is None else {name: person[name] for name in names.split(",") if name in person}


def person(seed: str, page: int, index: int, nationalities: list[str], url: str) -> dict[str, Any]:
    """A person as the API writes one: seed and page are joined, a gender asked for is ignored, scripts are mixed."""
    draw = random.Random(f"{seed}{page}/{index}")
    nationality = draw.choice(nationalities)
    gender = draw.choice(("female", "male"))
    number = draw.randrange(10**6)
    return {
        "gender": gender,
        "name": {
            "title": draw.choice(("Mr", "Ms")),
            "first": draw.choice(("Ольга", "Zoë", "Ann")),
            "last": f"O'N\t{number}",
        },
        "location": {
            "street": {"number": draw.randrange(1, 9999), "name": "Queens\\Road"},
            "city": draw.choice(CITIES),
            "state": draw.choice(STATES),
            "country": COUNTRIES[nationality],
            "postcode": draw.choice((number, f"N{number}")),
            "coordinates": {"latitude": "-1.5", "longitude": "3.2"},
        },
        "email": f"someone{number % 10}@example.com",
        "dob": {"date": f"{draw.randrange(1944, 2010)}-02-28T12:00:00.000Z", "age": 40},
        "phone": "0131 496 0000",
        "picture": {"large": f"{url.removesuffix('/api/1.4/')}/photo/{number}.jpg"},
        "nat": nationality,
    }


_SPOILT = {
    "wrong types": lambda person: person["name"].update(first=["Ann"]),
    "nulls": lambda person: person["location"].update(city=None),
    "unknown country": lambda person: person["location"].update(country="Atlantis"),
    "unknown nationality": lambda person: person.update(nat="XX"),
    "no date": lambda person: person["dob"].update(date="yesterday"),
}
