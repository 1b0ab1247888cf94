"""Versions of a resource: which rows changed since which version, and the pages of an answer as bytes.

A version never changes. Its number grows by one with each change. A token names the series of versions, the address
and the number. One of another series, such as from before a restart, gets everything again.
"""

import gzip
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import msgspec

from results_feed.contents import Content
from results_feed.rows import Page, Warning

_KEPT_BYTES = 2_000_000  # answers of one version: readers choose limits and tokens, and must not fill the memory
_LEAST = 500  # bytes; compressing less costs more than it saves
encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Wanted:
    """What a request asks for; bounds are checked before."""

    limit: int
    since: str | None = None
    cursor: str | None = None
    contest: str | None = None


@dataclass(frozen=True)
class Answer:
    """A page as bytes; ``gzipped`` is None where that saves nothing. ``etag`` is weak: it stands for both forms."""

    body: bytes
    gzipped: bytes | None
    etag: str

    @property
    def size(self) -> int:
        """Bytes in memory; what belongs to the object itself is estimated."""
        return len(self.body) + len(self.gzipped or b"") + 500

    @classmethod
    def of(cls, body: bytes) -> "Answer":
        smaller = gzip.compress(body, compresslevel=1) if len(body) >= _LEAST else None
        return cls(body, smaller, f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')


@dataclass(frozen=True)
class KeptRow:
    """A row with its JSON and the number of the version that changed it last."""

    row: Any
    json: msgspec.Raw
    changed: int


@dataclass(frozen=True)
class Place:
    """Where a page begins: rows that changed after ``since`` (None: all), from ``position`` on.

    ``first`` is the version of the first page, whose token all later pages carry: with it, ``since`` misses no change
    that happened while the pages were read.
    """

    since: int | None
    first: int
    position: int = 0


@dataclass(frozen=True)
class Version:
    """A resource as of ``at``. Tokens of versions before ``oldest`` get everything again."""

    address: str
    series: str
    number: int
    oldest: int
    at: datetime
    content: Content
    warnings: tuple[Warning, ...]
    rows: Mapping[object, KeptRow]
    answers: dict[tuple[Place, Wanted], Answer] = field(default_factory=dict, repr=False, compare=False)

    def answer(self, wanted: Wanted) -> Answer:
        """The page, made once for all who ask for it."""
        place = self._place(wanted)
        key = (place, Wanted(wanted.limit, contest=wanted.contest))
        found = self.answers.get(key)
        if found is None:
            found = Answer.of(encode(self._page(place, wanted)))
            kept = sum(answer.size for answer in self.answers.values()) + found.size
            while self.answers and kept > _KEPT_BYTES:
                kept -= self.answers.pop(next(iter(self.answers))).size  # the oldest
            self.answers[key] = found
        return found

    def has_contest(self, contest: str) -> bool:
        return any(kept.row.contest == contest for kept in self.rows.values())

    def _place(self, wanted: Wanted) -> Place:
        own = self._mark(wanted.contest)
        everything = Place(None, self.number)
        if wanted.cursor is not None:
            mark, *numbers = wanted.cursor.split("_")
            known = mark == own and len(numbers) == 3 and all(n.isdecimal() or n == "" for n in numbers)
            if not known or not numbers[1] or not numbers[2]:
                return everything
            place = Place(int(numbers[0]) if numbers[0] else None, int(numbers[1]), int(numbers[2]))
            since = place.first if place.since is None else place.since
            known = self.oldest <= since <= place.first <= self.number and place.position < len(self.rows)
            return place if known else everything
        if wanted.since is not None:
            mark, _, number = wanted.since.partition("_")
            if mark == own and number.isdecimal() and self.oldest <= int(number) <= self.number:
                return Place(int(number), self.number)
        return everything

    def _page(self, place: Place, wanted: Wanted) -> Page[Any]:
        found = list(islice(self._rows(place, wanted.contest), wanted.limit + 1))
        more = found[wanted.limit :]
        return self.content.page(
            version=f"{self._mark(wanted.contest)}_{place.first}",
            complete=place.since is None,
            at=self.at,
            warnings=self.warnings,
            items=[json for _, json in found[: wanted.limit]],
            next=self._next(place, more[0][0], wanted) if more else None,
            **self.content.head,
        )

    def _rows(self, place: Place, contest: str | None) -> Iterator[tuple[int, msgspec.Raw]]:
        for position, kept in enumerate(self.rows.values()):
            if position < place.position or (place.since is not None and kept.changed <= place.since):
                continue
            if contest is None or kept.row.contest == contest:
                yield position, kept.json

    def _mark(self, contest: str | None) -> str:
        """The first part of a token: the series of versions and the address."""
        own = hashlib.blake2b(f"{self.address} {contest or ''}".encode(), digest_size=4).hexdigest()
        return f"{self.series}{own}"

    def _next(self, place: Place, position: int, wanted: Wanted) -> str:
        cursor = f"{self._mark(wanted.contest)}_{'' if place.since is None else place.since}_{place.first}_{position}"
        query = {"cursor": cursor, "limit": wanted.limit}
        if wanted.contest is not None:
            query["contest"] = wanted.contest
        return f"{self.address}?{urlencode(query)}"


def begun(address: str, content: Content, warnings: tuple[Warning, ...], at: datetime) -> Version:
    """The first version of a resource."""
    rows = {key: _kept(row, 1) for key, row in content.rows.items()}
    return Version(address, secrets.token_hex(4), 1, 1, at, content, warnings, rows)


def succeeding(last: Version, content: Content, warnings: tuple[Warning, ...], at: datetime) -> Version:
    """The version after ``last``, which is ``last`` itself if nothing has changed.

    When a row is gone or has another place, no answer could say so: from there on every token gets everything.
    """
    number = last.number + 1
    rows = {
        key: kept if (kept := last.rows.get(key)) is not None and kept.row == row else _kept(row, number)
        for key, row in content.rows.items()
    }
    same_rows = len(rows) == len(last.rows) and all(kept.changed < number for kept in rows.values())
    in_place = list(islice(rows, len(last.rows))) == list(last.rows)
    if same_rows and in_place and warnings == last.warnings and content.head == last.content.head:
        return last
    oldest = last.oldest if in_place else number
    return Version(last.address, last.series, number, oldest, at, content, warnings, rows)


def _kept(row: Any, number: int) -> KeptRow:
    return KeptRow(row, msgspec.Raw(encode(row)), number)
