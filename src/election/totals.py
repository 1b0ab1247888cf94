"""The fold: what the aggregated topics say of an election, however often and in whatever order they are read.

A message carries an absolute total, so the largest total per key within a generation is the newest.
A reader stays with a generation until a newer one has counted at least as many votes of the election, on every topic,
or its own is removed: totals shown never go down, and a rebuild can correct them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from election.contracts import topics
from election.contracts.aggregates import AGGREGATES, ContestTotal, Total
from election.contracts.messages import CandidateRecord, Decoder, TallyProgress, Unusable

# Every vote, valid or not, adds to exactly one total here, so their sum is what a generation has counted.
_BALLOTS = topics.BALLOTS_PER_CONTEST
# A vote adds to exactly one total on each of the others too, or is of the rest, which adds nothing there.
_OF = {aggregate.topic: aggregate.of for aggregate in AGGREGATES}
# The other totals do not say how many votes are ranked.
_EVERY = [topic for topic, of in _OF.items() if of != "ranked"]


@dataclass
class GenerationTotals:
    """One generation's totals of one election: topic -> Kafka key -> message."""

    by_topic: dict[str, dict[bytes, Any]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def ballots(self) -> int:
        """Votes counted, valid and invalid."""
        return self.on(_BALLOTS)

    @property
    def ranked(self) -> int:
        """Votes with a ranking that are counted."""
        return self.on(topics.VOTES_PER_RANKING)

    def on(self, topic: str) -> int:
        """The sum of the topic's totals."""
        return sum(total.votes for total in self.by_topic[topic].values())

    def ballots_on(self, names: Iterable[str]) -> int:
        """Votes that every one of the topics' totals contain: a batch reaches one topic before another.

        A vote that adds nothing to a topic, as an invalid one to the candidates', counts as contained there.
        """
        of_contests: Iterable[ContestTotal] = self.by_topic[_BALLOTS].values()
        rest = {"all": 0, "valid": 0, "first": 0}
        for total in of_contests:
            rest["valid"] += total.votes * (total.validity == "invalid")
            rest["first"] += total.votes * (total.position > 1)
        return min((self.on(name) + rest[_OF[name]] for name in names), default=0)

    def has_caught_up_with(self, shown: "GenerationTotals") -> bool:
        """Whether each topic contains at least as many votes of this generation as ``shown`` has counted by contest.

        Other totals of ``shown`` may be wrong, and a rebuild removes those by contest first.
        """
        known = [name for name in _EVERY if shown.by_topic[name]]
        return self.ballots_on(known) >= shown.ballots and self.ranked >= min(shown.ranked, shown.ballots)


class Totals:
    """Folds records of the aggregated topics and ``candidates_topic``. Not safe for use from several threads.

    With ``only`` an election's number it takes in that election's records alone, by their keys, and no progress: the
    topics may hold millions of others', which need not be decoded.
    """

    def __init__(self, only: int | None = None) -> None:
        self._head = b"" if only is None else b"%d/" % only
        self._decoders = {name: Decoder(form) for name, form in topics.AGGREGATES.items()}
        self._candidate = Decoder(CandidateRecord)
        self._progress = Decoder(TallyProgress)
        self._generations: dict[int, dict[int, GenerationTotals]] = defaultdict(lambda: defaultdict(GenerationTotals))
        self._shown: dict[int, int] = {}
        self.candidates: dict[int, dict[int, CandidateRecord]] = defaultdict(dict)
        self.progress: TallyProgress | None = None
        self.unusable = 0

    def apply(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Applies one record. A tombstone removes its key; ``unusable`` counts records without a known form."""
        if not (key or b"").startswith(self._head):
            return
        if value is None:
            self._remove(topic, key)
            return
        try:
            if topic == topics.CANDIDATES:
                record = self._candidate(value)
                self.candidates[record.election][record.candidate] = record
            elif topic == topics.TALLY_PROGRESS:
                progress = self._progress(value)
                if self.progress is None or (progress.generation, progress.at) >= (
                    self.progress.generation,
                    self.progress.at,
                ):
                    self.progress = progress
            else:
                self._fold(topic, key or b"", self._decoders[topic](value))
        except Unusable:
            self.unusable += 1

    def election(self, election_no: int) -> Mapping[str, list[Any]]:
        """The totals to show, by topic: a list of that topic's messages, one per key. Empty lists before the first."""
        shown = self._generations[election_no][self._generation(election_no)]
        return {topic: list(shown.by_topic[topic].values()) for topic in topics.AGGREGATES}

    def keyed(self, election_no: int) -> Mapping[str, Mapping[bytes, Any]]:
        """The totals to show, by topic and Kafka key."""
        return self._generations[election_no][self._generation(election_no)].by_topic

    def ballots(self, election_no: int) -> int:
        """Votes counted so far, valid and invalid, in the generation shown."""
        return self._generations[election_no][self._generation(election_no)].ballots

    def ballots_everywhere(self, election_no: int) -> int:
        """Votes that the totals of every topic contain, in the generation shown; see ``ranked`` for rankings."""
        return self._generations[election_no][self._generation(election_no)].ballots_on(_EVERY)

    def ranked(self, election_no: int) -> int:
        """Votes with a ranking that the rankings' totals contain, in the generation shown."""
        return self._generations[election_no][self._generation(election_no)].ranked

    def _fold(self, topic: str, key: bytes, total: Total) -> None:
        if not key.startswith(b"%d/%d/" % (total.election, total.generation)):  # a rebuild would not find it
            self.unusable += 1
            return
        keys = self._generations[total.election][total.generation].by_topic[topic]
        known = keys.get(key)
        if known is None or total.votes > known.votes:
            keys[key] = total

    def _generation(self, election_no: int) -> int:
        generations = self._generations[election_no]
        counted = [number for number, totals in generations.items() if totals.ballots]
        shown = self._shown.get(election_no, min(counted or generations, default=0))
        if counted and not generations[shown].ballots:  # it was removed; its number may be above all others
            shown = min(counted)
        for newer in sorted(g for g in generations if g > shown):
            if generations[newer].has_caught_up_with(generations[shown]):
                shown = newer
        self._shown[election_no] = shown
        return shown

    def _remove(self, topic: str, key: bytes | None) -> None:
        if topic == topics.TALLY_PROGRESS and self.progress and key == b"%d" % self.progress.generation:
            self.progress = None  # the one in force tells again within seconds
        if topic not in (topics.CANDIDATES, *topics.AGGREGATES):
            return
        try:
            election, second = (int(part) for part in (key or b"").split(b"/", 2)[:2])
        except ValueError:  # no key of ours, so there is nothing to remove
            self.unusable += 1
            return
        if topic == topics.CANDIDATES:
            self.candidates[election].pop(second, None)
            return
        self._generations[election][second].by_topic[topic].pop(key or b"", None)
