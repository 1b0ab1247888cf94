"""Checks ballots from a feed against the ballot papers of an election."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from msgspec import UNSET

from election.contracts.messages import ExternalBallot, ExternalVote, Unusable
from election.outcome.race import RaceKind
from election.platform import Connection


class Checked(NamedTuple):
    """A vote that can be stored. With a ranking, ``candidate`` is the first preference; None: invalid."""

    position: int
    contest: int
    candidate: int | None
    ranking: tuple[int, ...] | None


@dataclass(frozen=True)
class BallotPapers:
    """``positions`` of contests by district and contest, ``kinds`` of all contests, candidates ``standing`` in each."""

    positions: Mapping[int, Mapping[int, int]]
    kinds: Mapping[int, RaceKind]
    standing: Mapping[int, frozenset[int]]

    @classmethod
    def read(cls, connection: Connection, election_no: int) -> "BallotPapers":
        """As they are registered now."""
        positions: dict[int, dict[int, int]] = {}
        for district, contest, position in connection.execute(
            "SELECT district_no, contest_no, position FROM papers WHERE election_no = %s", [election_no]
        ):
            positions.setdefault(district, {})[contest] = position
        contests = connection.execute(
            """SELECT contest_no, contests.kind, array_remove(array_agg(candidate_no), NULL)
               FROM contests LEFT JOIN candidates USING (election_no, contest_no)
               WHERE election_no = %s GROUP BY contest_no, contests.kind""",
            [election_no],
        ).fetchall()
        kinds = {contest: kind for contest, kind, _ in contests}
        return cls(positions, kinds, {contest: frozenset(standing) for contest, _, standing in contests})

    def checked(self, ballot: ExternalBallot, district: int) -> list[Checked]:
        """A vote in each contest of the district's paper, by position. Raises Unusable for every other ballot."""
        if ballot.votes is not UNSET and (ballot.contest is not UNSET or ballot.candidate is not UNSET):
            raise Unusable(
                "wrong_ballot", "the ballot has both `votes` and `contest` or `candidate`: leave one form out"
            )
        paper, found = self.positions.get(district, {}), dict[int, Checked]()
        for vote in ballot.each:
            position = paper.get(vote.contest)
            if position is None:
                raise self._not_on_paper(vote.contest)
            if position in found:
                raise Unusable("wrong_ballot", f"the ballot has two votes in contest {vote.contest}")
            found[position] = Checked(position, vote.contest, *self._choice(vote))
        if len(found) < len(paper):
            missing = ", ".join(str(contest) for contest, position in paper.items() if position not in found)
            raise Unusable("wrong_ballot", f"the ballot lacks a vote in contest {missing} of its paper")
        return [found[position] for position in sorted(found)]

    def _not_on_paper(self, contest: int) -> Unusable:
        if contest not in self.kinds:
            return Unusable("unknown_contest", f"the election has no contest {contest}")
        if contest not in self._polled:
            return Unusable("unknown_contest", f"no poll is held in contest {contest}: one person stands alone")
        return Unusable("other_contest", f"contest {contest} is not on the ballot paper of the voter's district")

    @cached_property
    def _polled(self) -> set[int]:
        return {contest for paper in self.positions.values() for contest in paper}

    def _choice(self, vote: ExternalVote) -> tuple[int | None, tuple[int, ...] | None]:
        """Candidate and ranking."""
        contest, ranked = vote.contest, self.kinds[vote.contest] == "ranking"
        if vote.ranking is not UNSET:
            self._check_ranking(vote, vote.ranking)
            return vote.ranking[0], vote.ranking
        candidate = None if vote.candidate is UNSET else vote.candidate
        if candidate is None:
            return None, None
        if candidate not in self.standing[contest]:
            raise Unusable("unknown_candidate", f"contest {contest} has no candidate {candidate}")
        return candidate, (candidate,) if ranked else None

    def _check_ranking(self, vote: ExternalVote, ranking: tuple[int, ...]) -> None:
        contest = vote.contest
        why = None
        if vote.candidate is not UNSET:
            why = f"the vote in contest {contest} has both a candidate and a ranking: leave one out"
        elif self.kinds[contest] != "ranking":
            why = f"contest {contest} takes one candidate, no ranking"
        elif not ranking:
            why = f"the ranking in contest {contest} is empty: an invalid vote has the candidate null"
        elif len(set(ranking)) < len(ranking):
            why = f"the ranking in contest {contest} names a candidate twice"
        elif strangers := [candidate for candidate in ranking if candidate not in self.standing[contest]]:
            why = f"the ranking names candidate {strangers[0]}, who does not stand in contest {contest}"
        if why:
            raise Unusable("wrong_ranking", why)
