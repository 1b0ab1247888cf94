"""Keeps the resources that are asked for up to date in a thread of its own, so that most requests wait for nothing."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import psycopg

from election.errors import ElectionError
from election.live.register import SignedHead
from election.live.snapshots import Snapshot, Snapshots
from results_feed.contents import OF_SNAPSHOTS, Content, elections, heads
from results_feed.heads import Heads
from results_feed.rows import HeadRow, Warning
from results_feed.versions import Version, begun, succeeding

ELECTIONS = "/v1/elections"
RESOURCES = (*OF_SNAPSHOTS, "heads")
_TICK_SECONDS = 0.4
_ASKED_SECONDS = 60.0
_RESOURCES_KEPT = 200


log = logging.getLogger(__name__)


class Unknown(Exception):
    """There is no election of this slug."""


class NotYet(Exception):
    """The totals or the register are not read, so that figures would be wrong."""


class Publisher:
    """The current version of every resource that was asked for lately. Safe for use from several threads.

    A resource is named by an election's slug and its name in ``RESOURCES``; the list of elections by ``("", "")``.
    """

    def __init__(self, source: Snapshots) -> None:
        self._source = source
        self._making = threading.Lock()
        self._versions: dict[tuple[str, str], Version] = {}
        self._asked: dict[tuple[str, str], float] = {}
        self._made_from: dict[tuple[str, str], object] = {}
        self._heads = Heads(source)
        self._stop = threading.Event()

    def start(self) -> "Publisher":
        threading.Thread(target=self._run, args=[self.refresh], name="publisher", daemon=True).start()
        threading.Thread(target=self._run, args=[self.read_heads], name="heads-reader", daemon=True).start()
        return self

    def stop(self) -> None:
        self._stop.set()

    @property
    def source(self) -> Snapshots:
        return self._source

    def current(self, slug: str = "", resource: str = "") -> Version | None:
        """The version now, at most about a second old; None if it was not asked for in a minute: then ``publish``."""
        key, now = (slug, resource), time.monotonic()
        if now - self._asked.get(key, -_ASKED_SECONDS) >= _ASKED_SECONDS:
            return None
        self._asked[key] = now
        return self._versions.get(key)

    def publish(self, slug: str = "", resource: str = "") -> Version:
        """Makes the version now and keeps it up to date from here on. May wait for seconds.

        Raises Unknown, NotYet, ElectionError, psycopg.Error.
        """
        if resource == "heads":
            self._heads.read(slug)
        with self._making:
            found = self.current(slug, resource)  # another request may have come first
            if found is None:
                found = self._make(slug, resource)
                self._asked[slug, resource] = time.monotonic()
            return found

    def refresh(self) -> None:
        """Brings what is asked for up to date; waits for no database."""
        lately = self._lately_asked()
        for key in lately:
            with self._making, self._until_it_fails(key):
                self._make(*key)
        with self._making:
            for key, version in self._versions.items():
                if version.answers and key not in lately and key not in self._lately_asked():
                    self._versions[key] = replace(version, answers={})

    def read_heads(self) -> None:
        """Reads the heads that are asked for, beside ``refresh``: a slow Postgres delays them alone."""
        for key in self._lately_asked():
            if key[1] == "heads":
                with self._until_it_fails(key):
                    self._heads.read(key[0])

    def _lately_asked(self) -> list[tuple[str, str]]:
        return [key for key, at in list(self._asked.items()) if time.monotonic() - at < _ASKED_SECONDS]

    @contextmanager
    def _until_it_fails(self, key: tuple[str, str]) -> Iterator[None]:
        """Keeps it up to date until then; the next request for it says why not any more."""
        try:
            yield
        except Exception as error:
            self._asked.pop(key, None)
            if not isinstance(error, (Unknown, NotYet, ElectionError, psycopg.Error)):
                log.exception("the resource %s of %r cannot be made", key[1], key[0])

    def _run(self, work: Callable[[], None]) -> None:
        while not self._stop.wait(_TICK_SECONDS):
            work()

    def _make(self, slug: str, resource: str) -> Version:
        key, now = (slug, resource), datetime.now(UTC)
        last = self._versions.get(key)
        if slug:
            snapshot, warnings = self._snapshot(slug, resource)
            signed = self._heads.kept(slug) if resource == "heads" else None
            if resource == "heads" and signed is None:
                raise NotYet
            made_from = (snapshot.serial if signed is None else snapshot.register.election, warnings, signed)
            if last is not None and self._made_from.get(key) == made_from:
                return last
            content = OF_SNAPSHOTS[resource](snapshot) if signed is None else _of_heads(snapshot, signed)
            self._made_from[key] = made_from
        else:
            content, warnings = self._elections()
        if last is None:
            address = f"{ELECTIONS}/{quote(slug)}" if slug else ELECTIONS
            self._forget()
            version = begun(address if resource in ("", "summary") else f"{address}/{resource}", content, warnings, now)
        else:
            version = succeeding(last, content, warnings, now)
        self._versions[key] = version
        return version

    def _elections(self) -> tuple[Content, tuple[Warning, ...]]:
        known, postgres = self._source.elections(), self._source.postgres
        if not known and postgres.answered_at is None:
            raise NotYet
        if not postgres.ok:
            return elections(known), (Warning("postgres", postgres.trouble_since),)
        return elections(known), (Warning("tables", postgres.missing_since),) if postgres.missing else ()

    def _snapshot(self, slug: str, resource: str) -> tuple[Snapshot, tuple[Warning, ...]]:
        self._elections()
        if slug not in (election.slug for election in self._source.elections()):
            self._versions = {key: version for key, version in self._versions.items() if key[0] != slug}
            raise Unknown(slug)
        snapshot = self._source.snapshot(slug)
        if snapshot is None:
            raise NotYet
        warnings = tuple(
            Warning(trouble.cause, trouble.since) for trouble in self._source.troubles(snapshot.register.election)
        )
        counted = self._source.count.caught_up.is_set() or snapshot.register.certified is not None
        if not counted and resource != "heads":
            raise NotYet
        return snapshot, warnings

    def _forget(self) -> None:
        """What was asked for longest ago goes first; asked for again, it gives everything."""
        for key in sorted(self._versions, key=lambda key: self._asked.get(key, 0.0))[: -_RESOURCES_KEPT + 1]:
            del self._versions[key]
            self._made_from.pop(key, None)
            if key[1] == "heads":
                self._heads.forget(key[0])


def _of_heads(snapshot: Snapshot, signed: tuple[SignedHead, ...]) -> Content:
    return heads(snapshot, [HeadRow(h.size, h.root, h.state, h.sealed_at, h.verifier_key, h.note) for h in signed])
