"""How many records a worker at a rate takes at once. What becomes of them is in the tests with a real topic."""

import pytest

from election.casting.pace import due_at_once, missed


@pytest.mark.parametrize(
    ("rate", "behind", "most", "records"),
    [
        (1_000, 0, 10_000, 100),
        (1_000, -3, 10_000, 100),  # early: it waits by itself
        (1_000, 0.5, 10_000, 600),
        (1_000, 0.5, 200, 200),
        (1_000, 3_600, 10_000, 5_100),  # more than five seconds are forgiven
        (2, 0, 10_000, 1),
    ],
)
def test_a_worker_that_is_behind_takes_what_is_overdue_at_once(
    rate: float, behind: float, most: int, records: int
) -> None:
    assert due_at_once(rate, behind, most) == records


@pytest.mark.parametrize(
    ("slid", "seconds", "said"),
    [
        (0.0, 2.0, ""),
        (0.08, 2.0, ""),
        (0.16, 2.0, "92%"),  # far from the five seconds that are forgiven
        (1.0, 2.0, "50%"),
        (-0.5, 2.0, ""),  # it caught up
        (0.0, 0.0, ""),
    ],
)
def test_a_worker_says_when_it_held_less_than_95_percent_of_its_share(slid: float, seconds: float, said: str) -> None:
    told = missed(slid, seconds)
    assert said in told
    assert bool(told) == bool(said)
