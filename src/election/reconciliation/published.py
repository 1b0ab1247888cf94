"""The votes on ``votes_topic``, as records of ``election.buckets``.

Messages differ in few places. The text between ballot id and time is decoded once, strictly, and cached; the rest of a
batch is processed a column at a time. A message that is not exactly as casting writes it is checked by itself.
"""

import re
from binascii import hexlify
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from election.contracts import topics
from election.contracts.messages import SCHEMA_VERSION, Decoder, Unusable, VoteMessage, encode
from election.messaging.latest import Record
from election.reconciliation.contents import ODD, Claim, Contents

OTHER, NOTHING = -1, -2
"""Codes of messages that are not ballots of the election: of another election, or rejected by the tally."""
ID_BYTES = 16
UNREADABLE = Claim(0, 0, 0, 0)
"""The claim of a message that cannot be read."""
_HEAD = b'{"schema_version":%d,"ballot_id":"' % SCHEMA_VERSION
_BEGIN = len(_HEAD) + 2 * ID_BYTES
_DIGITS = 13  # of a time in milliseconds, until the year 2286
_SHORTEST = _BEGIN + _DIGITS + 1
_POWERS = 10 ** np.arange(_DIGITS - 1, -1, -1, dtype=np.int64)
_REMEMBERED = 200_000  # texts of some 300 bytes
_id, _text, _head, _tail = (
    itemgetter(slice(*part))
    for part in ((len(_HEAD), _BEGIN), (_BEGIN, -_DIGITS - 1), (len(_HEAD),), (-_DIGITS - 1, None))
)


class Reader:
    """Codes and times of messages. ``claims`` belong to the codes from ODD downwards, in this order.

    ``refused`` returns the places (partition, offset) of messages that the tally rejected. It is called when needed.
    """

    def __init__(self, known: Contents, refused: Callable[[], set[tuple[int, int]]]) -> None:
        self.claims: list[Claim] = []
        self._contents, self._ask_refused = known, refused
        self._decode = Decoder(VoteMessage, topics.MAX_RECORD_BYTES)
        self._own = re.compile(rb'"election"\s*:\s*%d\b' % known.election_no)
        self._known: dict[bytes, int] = {}
        self._claimed: dict[Claim, int] = {}
        self._refused: set[tuple[int, int]] | None = None

    def __call__(self, messages: Sequence[Record]) -> tuple[bytes, NDArray[Any], NDArray[Any], NDArray[Any]]:
        """(joined keys, codes, times, positions in ``messages``) of messages whose key is as long as a ballot id."""
        keys, values = [message.key() or b"" for message in messages], [message.value() or b"" for message in messages]
        places = np.flatnonzero(np.fromiter(map(len, keys), np.int64, len(keys)) == ID_BYTES)
        if len(places) < len(keys):
            keys, values = [keys[at] for at in places], [values[at] for at in places]
        joined = b"".join(keys)
        codes, times = np.full(len(keys), NOTHING, np.int64), np.zeros(len(keys), np.int64)
        usual, said = _usual(joined, values)
        found = list(map(self._known.get, map(_text, values)))
        for at, (code, is_usual) in enumerate(zip(found, usual.tolist(), strict=True)):
            if code is not None and is_usual:
                codes[at] = code
            else:
                codes[at], said[at] = self._looked_at(messages[places[at]], keys[at], values[at], bool(is_usual))
        times[:] = said
        return joined, codes, times, places

    def _looked_at(self, message: Record, key: bytes, value: bytes, usual: bool) -> tuple[int, int]:
        """Code and time of one message. An odd message has a digest of its content in place of the time."""
        try:
            vote = self._decode(message.value())
        except Unusable:
            return self._unreadable(message, value), 0
        if vote.ballot_id != key.hex():
            return NOTHING, 0  # the tally rejects it
        text = _text(value)
        # If cast_at is the last member, only the time follows the text, and the code can be cached by the text.
        fixed = usual and text.endswith(b',"cast_at":') and b"\\" not in text
        if vote.election != self._contents.election_no:
            return self._remember(text, OTHER, fixed), 0
        code = self._contents.code(vote)
        if code is None:
            digest = blake2b(encode(vote)[_BEGIN:], digest_size=8).digest()
            return self._odd(Claim.of(vote)), int.from_bytes(digest, signed=True)
        return self._remember(text, code, fixed), vote.cast_at  # another encoding of the same content has the same code

    def _unreadable(self, message: Record, value: bytes) -> int:
        if not self._own.search(value):
            return OTHER
        # Spark's parser is less strict. If the tally did not reject the message, the totals contain a forged ballot.
        if self._refused is None:
            self._refused = self._ask_refused()
        place = message.partition() or 0, message.offset() or 0
        return NOTHING if place in self._refused else self._odd(UNREADABLE)

    def _remember(self, text: bytes, code: int, lasting: bool) -> int:
        if lasting:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[text] = code
        return code

    def _odd(self, claim: Claim) -> int:
        at = self._claimed.setdefault(claim, len(self.claims))
        if at == len(self.claims):
            self.claims.append(claim)
        return ODD - at


def _usual(keys: bytes, values: Sequence[bytes]) -> tuple[NDArray[Any], NDArray[Any]]:
    """A mask of the values that begin with their key's ballot id and end with a time of 13 digits; and these times."""
    number = len(values)
    long = np.fromiter(map(len, values), np.int64, number) >= _SHORTEST
    usual, times = long.copy(), np.zeros(number, np.int64)
    if not long.any():
        return usual, times
    ids = hexlify(keys)
    if not long.all():
        at = np.flatnonzero(long).tolist()
        values = [values[i] for i in at]
        ids = b"".join(ids[2 * ID_BYTES * i : 2 * ID_BYTES * (i + 1)] for i in at)
    heads = _same(map(_head, values), _HEAD * len(values), len(_HEAD)) & _same(map(_id, values), ids, 2 * ID_BYTES)
    tails = np.frombuffer(b"".join(map(_tail, values)), np.uint8).reshape(-1, _DIGITS + 1)
    digits = tails[:, :-1] - np.uint8(ord("0"))
    whole = (digits < 10).all(axis=1) & (digits[:, 0] > 0) & (tails[:, -1] == ord("}"))
    usual[long], times[long] = heads & whole, digits @ _POWERS
    return usual, times


def _same(parts: Iterator[bytes], expected: bytes, width: int) -> NDArray[Any]:
    """A mask of the parts, all of one width, that equal the expected part in their place."""
    joined = b"".join(parts)
    if joined == expected:
        return np.ones(len(expected) // width, bool)
    found, known = (np.frombuffer(text, np.uint8).reshape(-1, width) for text in (joined, expected))
    return np.asarray((found == known).all(axis=1))
