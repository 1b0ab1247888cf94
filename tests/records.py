"""Records as a consumer of Kafka returns them, for what reads or rejects them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """A record of a topic, by default one of ``ballots_topic``."""

    content: bytes | None
    place: tuple[int, int] = (0, 0)
    named: bytes | None = b"1/1"
    of: str = "ballots_topic"

    def key(self) -> bytes | None:
        return self.named

    def value(self) -> bytes | None:
        return self.content

    def topic(self) -> str:
        return self.of

    def partition(self) -> int:
        return self.place[0]

    def offset(self) -> int:
        return self.place[1]
