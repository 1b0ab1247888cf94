"""Signed notes and checkpoints: how a log's head is written, signed and checked.

The forms are C2SP's ``signed-note`` and ``tlog-checkpoint`` (https://c2sp.org), Ed25519 alone. A key is written as a
verifier key: ``NAME+KEY ID+BASE64``.
"""

from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import ClassVar, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from election.evidence.tree import HASH_BYTES

_ED25519, _COSIGNATURE = b"\x01", b"\x04"  # kinds of signature
_DASH = "\N{EM DASH} "


class BadNote(ValueError):
    """A note that is malformed or not signed by the key it should be; the text says which."""


class Checkpoint(NamedTuple):
    """A head of the log that ``origin`` names: how many entries, and the root over them."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


class _Key:
    """A private key of 32 bytes under a name; ``kind`` is what its signatures are."""

    kind: ClassVar[bytes]

    def __init__(self, name: str, private: bytes) -> None:
        _require_name(name)
        self._name, self._key = name, Ed25519PrivateKey.from_private_bytes(private)
        self._public = self._key.public_key().public_bytes_raw()
        self._id = _key_id(name, self._public, self.kind)

    @property
    def verifier_key(self) -> str:
        """The public key, as ``verified`` or ``verified_cosignature`` takes it."""
        return f"{self._name}+{self._id.hex()}+{b64encode(self.kind + self._public).decode()}"

    def _line(self, signature: bytes) -> str:
        return f"{_DASH}{self._name} {b64encode(self._id + signature).decode()}\n"


class Signer(_Key):
    """Signs notes."""

    kind = _ED25519

    def sign(self, text: str) -> str:
        """The note: the text, which ends in a newline, an empty line and one signature."""
        if not text.endswith("\n"):
            raise ValueError("the text of a note ends in a newline")
        return f"{text}\n{self._line(self._key.sign(text.encode()))}"


class Cosigner(_Key):
    """Signs checkpoints that others signed: C2SP's ``tlog-cosignature``, version 1."""

    kind = _COSIGNATURE

    def cosign(self, text: str, seconds: int) -> str:
        """The signature line under a checkpoint, whose text ends in a newline; ``seconds`` are POSIX time."""
        return self._line(seconds.to_bytes(8, "big") + self._key.sign(_cosigned(text, seconds)))


def verified_cosignature(note: str, verifier_key: str) -> int:
    """When this cosigner signed the checkpoint, in POSIX seconds. Raises BadNote if it did not."""
    name, public = _parsed(verifier_key, _COSIGNATURE)
    for signer, signature in _signatures(note):
        if signer == name and signature[:4] == _key_id(name, public, _COSIGNATURE):
            seconds = int.from_bytes(signature[4:12], "big")
            _require_signature(name, public, signature[12:], _cosigned(_text(note), seconds))
            return seconds
    raise BadNote(f"it is not signed by {name} with this key")


def verified(note: str, verifier_key: str) -> str:
    """The text of a note that this key signed, among others perhaps. Raises BadNote."""
    name, public = _parsed(verifier_key, _ED25519)
    text, checked = _text(note), False
    for signer, signature in _signatures(note):
        if signer == name and signature[:4] == _key_id(name, public, _ED25519):  # only this key's signature is checked
            _require_signature(name, public, signature[4:], text.encode())
            checked = True
    if not checked:
        raise BadNote(f"it is not signed by {name} with this key")
    return text


def checkpoint(text: str) -> Checkpoint:
    """The head that a note's text states; lines after its third are left alone. Raises BadNote."""
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or not lines[1].isascii() or not lines[1].isdigit():
        raise BadNote("it is no checkpoint")
    root = _decoded(lines[2])
    if len(root) != HASH_BYTES or str(int(lines[1])) != lines[1]:
        raise BadNote("it is no checkpoint")
    return Checkpoint(lines[0], int(lines[1]), root)


def inclusion_file(index: int, proof: Sequence[bytes], head: str, extra: bytes = b"") -> str:
    """A ``.tlog-proof`` (C2SP tlog-proof) that anybody can check offline. ``head`` is a signed checkpoint."""
    first = "c2sp.org/tlog-proof@v1\n" + (f"extra {b64encode(extra).decode()}\n" if extra else "")
    return f"{first}index {index}\n{_lines(proof)}\n{head}"


def consistency_file(old: int, proof: Sequence[bytes], head: str) -> str:
    """What C2SP's tlog-witness takes: the older size, the proof and the newer head, a signed checkpoint."""
    return f"old {old}\n{_lines(proof)}\n{head}"


def _lines(proof: Sequence[bytes]) -> str:
    return "".join(f"{b64encode(each).decode()}\n" for each in proof)


def _text(note: str) -> str:
    return note.rpartition("\n\n")[0] + "\n"


def _signatures(note: str) -> Iterator[tuple[str, bytes]]:
    """The name and the decoded bytes of each signature line."""
    _, found, signatures = note.rpartition("\n\n")
    if not found or not signatures.endswith("\n"):
        raise BadNote("it has no signatures")
    for line in signatures[:-1].split("\n"):
        signer, _, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not signer or not encoded:
            raise BadNote(f"{line!r} is no signature")
        yield signer, _decoded(encoded)


def _require_signature(name: str, public: bytes, signature: bytes, signed: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
    except InvalidSignature:
        raise BadNote(f"the signature of {name} is false") from None


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _parsed(verifier_key: str, kind: bytes) -> tuple[str, bytes]:
    name, _, rest = verifier_key.partition("+")
    number, _, encoded = rest.partition("+")
    _require_name(name)
    key = _decoded(encoded)
    if len(key) != 33 or not key.startswith(kind):
        raise BadNote(f"the key of {name} is not one of Ed25519")
    if number != _key_id(name, key[1:], kind).hex():
        raise BadNote(f"the key of {name} and its number do not belong together")
    return name, key[1:]


def _key_id(name: str, public: bytes, kind: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + kind + public).digest()[:4]


def _require_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise BadNote(f"{name!r} cannot be a key's name: it must have no space and no plus")


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (BadBase64, ValueError):
        raise BadNote(f"{text!r} is not base64") from None
