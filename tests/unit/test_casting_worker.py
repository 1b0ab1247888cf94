"""What a casting worker changes for its process, and takes back."""

import gc

import pytest

from election.casting.worker import _collected_seldom


def test_a_batch_of_records_starts_no_garbage_collection_and_an_error_leaves_the_collector_as_it_was() -> None:
    before, runs = gc.get_threshold(), 0

    def count(phase: str, _info: dict[str, int]) -> None:
        nonlocal runs
        runs += phase == "start"

    gc.callbacks.append(count)
    try:
        with _collected_seldom():
            kept = [[number] for number in range(50_000)]  # as many as two batches of records and what is made of them
            in_batch = runs
        with pytest.raises(ConnectionError), _collected_seldom():
            raise ConnectionError
    finally:
        gc.callbacks.remove(count)
    assert (in_batch, len(kept)) == (0, 50_000)
    assert gc.get_threshold() == before
