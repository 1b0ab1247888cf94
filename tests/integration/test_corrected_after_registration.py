"""An election keeps the scenario that it was registered with; a folder that has changed since is refused by name."""

import shutil
from pathlib import Path

import pytest

from election.casting import cast, close_poll, open_poll
from election.electorate import seed_candidates, seed_voters
from election.errors import BadInput
from election.platform import Platform, native
from election.preparation import Registration, register
from election.publication import publish_candidates, publish_voters
from election.reconciliation import reconcile
from tests.quality_faults import count

CASES = Path(__file__).parents[1] / "cases"
SLUG = "corrected"


@pytest.fixture
def own(tables, tmp_path):
    """The platform with a scenario folder that a test changes."""
    shutil.copytree(CASES / "formula-names", tmp_path / "scenarios" / "ward")
    return native(tables.settings.model_copy(update={"root": tmp_path}))


def corrected(platform: Platform, file: str, old: str, new: str) -> None:
    path = platform.settings.scenarios / "ward" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ([("contests.csv", ",40,20,0", ",40,22,0"), ("candidates.csv", "+R,12", "+R,14")],
         r"valid_votes of Only ward \(A1\) was 20, is 22; the candidates of Only ward \(A1\) or their votes"),
        ([("contests.csv", "A1,", "A2,"), ("candidates.csv", "A1,", "A2,")], r"the contest Only ward \(A1\) is gone"),
        ([("candidates.csv", "Holt", "Holte")], r"the candidates of Only ward \(A1\) or their votes"),
        ([("contests.csv", ",40,20,0", ",44,20,0")], r"electorate of Only ward \(A1\) was 40, is 44"),
        ([("scenario.toml", "2024-05-02", "2024-05-03")], "polling_day was 2024-05-02, is 2024-05-03"),
    ],
)  # fmt: skip
def test_a_folder_that_has_changed_since_registration_is_refused_and_named(own, changes, named, request):
    slug = f"{SLUG}-{abs(hash(request.node.name)) % 10**9}"
    wanted = Registration("ward", slug)
    register(own, wanted)
    for change in changes:
        corrected(own, *change)
    for stage in (lambda: seed_candidates(own, slug), lambda: register(own, wanted)):
        with pytest.raises(BadInput, match=f"The scenario ward has changed since the election {slug} .*{named}"):
            stage()


def test_what_the_election_does_not_use_may_change(own):
    register(own, Registration("ward", f"{SLUG}-not"))
    corrected(own, "scenario.toml", "Invented; free to use.", "Invented; free to use by all.")
    corrected(own, "contests.csv", "A1,", "B1,Other ward,North,Testland,,9,2,0\nA1,")
    corrected(own, "candidates.csv", "A1,Ben", "B1,Cleo,Ward,female,Reds,R,2\nA1,Ben")
    assert seed_candidates(own, f"{SLUG}-not") == 2


def test_an_election_of_an_older_version_goes_on_without_a_digest(own):
    slug = f"{SLUG}-older"
    register(own, Registration("ward", slug))
    with own.connect("owner") as connection:
        connection.execute("UPDATE elections SET scenario_digest = NULL WHERE slug = %s", [slug])
    corrected(own, "candidates.csv", "Holt", "Holte")
    assert seed_candidates(own, slug) == 2


def test_the_verdict_compares_every_official_figure(own):
    slug = f"{SLUG}-verdict"
    poll = register(own, Registration("ward", slug))
    seed_candidates(own, slug)
    seed_voters(own, slug)
    publish_candidates(own, slug)
    publish_voters(own, slug)
    open_poll(own, slug)
    cast(own, slug)
    close_poll(own, slug)
    count(own, slug)
    assert reconcile(own, slug).differences == ()
    with own.connect("owner") as connection:
        connection.execute(
            "UPDATE contests SET official_valid = 18, registered = 41 WHERE election_no = %s", [poll.election_no]
        )
    told = [str(difference) for difference in reconcile(own, slug).differences]
    assert "official valid Only ward (A1): expected 18, found 20" in told
    assert "official registered Only ward (A1): expected 41, found 40" in told
