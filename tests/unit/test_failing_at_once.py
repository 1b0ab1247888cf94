"""Input that no further try can mend fails its task at once."""

import pytest

from election.errors import BadInput, StageFailed, UnknownElection


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (BadInput("no"), "fail"),
        (UnknownElection("x", []), "fail"),
        (StageFailed("not yet"), "default"),
    ],
)
def test_only_bad_input_is_not_tried_again(error, action, monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    from election.orchestration.failures import HOPELESS

    assert HOPELESS.evaluate(error, 1, 3).action.value == action
