"""Snapshots that sessions share: an election's state at a moment, computed once for all readers."""

import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from election.contracts import topics
from election.contracts.aggregates import TURNOUT_BY_HOUR
from election.live.colours import colours
from election.live.contests import map_states
from election.live.count import FOLLOWED, CountReader, Reading
from election.live.integrity import Claim, claims
from election.live.night import Night, night
from election.live.reach import Reach
from election.live.register import Election, Register
from election.live.registers import RegisterReader
from election.live.result import Result, result
from election.live.status import Source, Stream, Trouble, troubles
from election.live.turnout import GroupTurnout, HourTurnout, by_group, by_hour, by_location
from election.outcome import Seats
from election.platform import Platform
from election.settings import Role

_TICK_SECONDS = 0.4
_LOADING_SECONDS = 2.0


@dataclass(frozen=True)
class Snapshot:
    """An election at one moment; never changes. ``serial`` differs between snapshots of different content."""

    serial: int
    register: Register
    reading: Reading
    result: Result
    at: datetime
    pieces: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)
    drawing: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    # What only some pages show is computed when the first of them asks, and then shared as well.
    @cached_property
    def seats(self) -> Seats:
        votes = {party.party: party.votes for party in self.result.parties}
        return self.result.whole.seats_by(votes)

    @cached_property
    def colours(self) -> dict[str, str]:
        return colours(self.register)

    @cached_property
    def map_states(self) -> str:
        return map_states(self.result.contests)

    @cached_property
    def night(self) -> Night:
        """Of all contests."""
        return self.night_of(None)

    def night_of(self, contest: int | None) -> Night:
        """Of one contest, where minutes are kept by candidate."""
        return night(self.reading.by_topic[topics.VOTES_PER_MINUTE], self.register, contest)

    @cached_property
    def locations(self) -> tuple[GroupTurnout, ...]:
        return by_location(self.register, self.reading.by_topic[topics.TURNOUT_BY_LOCATION])

    @cached_property
    def genders(self) -> tuple[GroupTurnout, ...]:
        return by_group(self.register, "gender", self.reading.by_topic[topics.TURNOUT_BY_GENDER])

    @cached_property
    def age_groups(self) -> tuple[GroupTurnout, ...]:
        return by_group(self.register, "age_group", self.reading.by_topic[topics.TURNOUT_BY_AGE_GROUP])

    @cached_property
    def hours(self) -> tuple[HourTurnout, ...]:
        return by_hour(self.reading.by_topic[TURNOUT_BY_HOUR.topic], self.result.registered)

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        return claims(self.result, self.reading.by_topic)


class Snapshots:
    """Both readers and the latest snapshot of every election that is looked at.

    They read as the Postgres role ``role`` and the Kafka user of the process, ``followed`` topics alone.
    """

    def __init__(self, platform: Platform, role: Role = "dashboard", followed: tuple[str, ...] = FOLLOWED) -> None:
        self.count = CountReader(platform.kafka, followed)
        self.registers = RegisterReader(lambda: platform.connect(role), platform.settings.scenarios)
        self.platform = platform
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[tuple[int, int], float, Snapshot]] = {}
        self._serial = 0

    def start(self) -> "Snapshots":
        self.count.start()
        self.registers.start()
        return self

    def stop(self) -> None:
        self.count.stop()
        self.registers.stop()

    @property
    def kafka(self) -> Reach:
        return self.count.pulse.now

    @property
    def postgres(self) -> Reach:
        return self.registers.pulse.now

    def elections(self) -> tuple[Election, ...]:
        """Known elections, the newest first; from the topics alone while Postgres was never reached."""
        if self.registers.elections or self.postgres.ok:
            return self.registers.elections
        known = [register.election for register in self.count.registers().values()]
        return tuple(sorted(known, key=lambda election: -election.number))

    def troubles(self, election: Election) -> list[Trouble]:
        """Everything that makes the election's figures old or incomplete at this moment."""
        kafka = Source.of(self.kafka, loading=not self.count.caught_up.is_set())
        return troubles(election, kafka, Source.of(self.postgres), Stream.of(self.count.live), datetime.now(UTC))

    def snapshot(self, slug: str) -> Snapshot | None:
        """The election now (at most 0.4 s old); None when neither source knows it."""
        register = self.registers.register(slug)
        if register is None and not self.postgres.ok:
            register = self.count.registers().get(slug)
        if register is None:
            return None
        if self.kafka.ok:  # totals on their way up from zero would look like a count that goes back
            self.count.caught_up.wait(_LOADING_SECONDS)
        number = register.election.number
        with self._lock:
            version = (self.count.version(number), self.registers.version)
            kept = self._kept.get(slug)
            if kept and (kept[0] == version or time.monotonic() - kept[1] < _TICK_SECONDS):
                return kept[2]
            reading = self.count.read(number)
            self._serial += 1
            # What is certified is certified, whatever becomes of the topics.
            counted = register.certified or reading.counted
            snapshot = Snapshot(self._serial, register, reading, result(register, counted), datetime.now(UTC))
            self._kept[slug] = (version, time.monotonic(), snapshot)
            return snapshot
