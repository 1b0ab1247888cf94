"""The stored end of a log, from which the sealer goes on only if the platform's key signed it."""

from typing import NamedTuple, cast

import pytest

from election.errors import StageFailed
from election.evidence.cosigning import _Seen
from election.evidence.log import End, require_signed
from election.evidence.notes import Checkpoint, Signer
from election.evidence.tree import Tree
from election.storage.elections import Election


class Poll(NamedTuple):
    slug: str
    election_no: int


POLL = cast("Election", Poll("drill", 7))
ORIGIN = "election/drill/7"
SIGNER, STRANGER = Signer(ORIGIN, bytes(range(32))), Signer(ORIGIN, bytes(32))


def end(signer: Signer = SIGNER, origin: str = ORIGIN, size: int = 3, root: bytes | None = None) -> End:
    tree = Tree()
    tree.extend([b"one", b"two", b"three"])
    return End(tree, "topic", {}, signer.sign(str(Checkpoint(origin, size, root or tree.root()))))


def test_an_end_that_the_platforms_key_signed_is_continued():
    require_signed(end(), POLL, SIGNER.verifier_key)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (end(STRANGER), "its head of 3 entries is not signed: "),
        (end(root=bytes(32)), "states something else than the table"),
        (end(size=2), "states something else than the table"),
        (end(origin="election/other/8"), "states something else than the table"),
    ],
)
def test_another_end_is_not_continued(known, said):
    with pytest.raises(StageFailed, match=said):
        require_signed(known, POLL, SIGNER.verifier_key)


def test_an_auditor_remembers_the_logs_key_and_reads_what_an_older_version_remembered(tmp_path):
    file = tmp_path / "key.seen"
    file.write_text(f'{{"{ORIGIN}": [3, "{"42" * 32}"]}}')
    seen, head = _Seen(file), Checkpoint(ORIGIN, 3, bytes([0x42]) * 32)
    assert (seen.of(ORIGIN), seen.key(ORIGIN), seen.key("another")) == (head, "", "")
    seen.keep(head, SIGNER.verifier_key)
    assert (_Seen(file).of(ORIGIN), _Seen(file).key(ORIGIN)) == (head, SIGNER.verifier_key)
