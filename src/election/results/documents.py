"""The SHA-256 of a certified result's documents, recorded once they can be written: two copies can be compared."""

from hashlib import sha256
from typing import get_args

from election.errors import StageFailed
from election.nist import Form, written
from election.platform import Connection, Platform
from election.results.nist import nist_report
from election.storage.elections import election


def record_documents(platform: Platform, slug: str) -> None:
    """Records the SHA-256 of each document that states the certified result, or the recount of it.

    Does nothing before the certification, and when it is recorded already. Raises UnknownElection, and StageFailed
    when another one is recorded.
    """
    with platform.connect("auditor") as connection:
        poll = election(connection, slug)
        verdict = _rests_on(connection, poll.election_no)
    if verdict is None:
        return
    report = nist_report(platform, slug)
    for form in get_args(Form):
        made = written(report, form)
        with platform.connect("auditor") as connection:
            connection.execute(
                """INSERT INTO certified_documents (election_no, format, verdict_no, sha256) VALUES (%s, %s, %s, %s)
                   ON CONFLICT DO NOTHING""",
                [poll.election_no, f"nist-{form}", verdict, sha256(made).digest()],
            )
        if checked(platform, slug, f"nist-{form}", made) is False:
            raise StageFailed(
                f"Another SHA-256 of {slug} as nist-{form} is recorded. `election export {slug}` says what to do."
            )


def checked(platform: Platform, slug: str, form: str, document: bytes) -> bool | None:
    """Whether the document is the recorded one; None where none is recorded. Raises UnknownElection."""
    with platform.connect("reader") as connection:
        number = election(connection, slug).election_no
    known = recorded(platform, number).get(form)
    return None if known is None else known == sha256(document).digest()


def recorded(platform: Platform, election_no: int) -> dict[str, bytes]:
    """SHA-256 by format, of the documents that rest on the certification or, once there is one, the newest recount."""
    with platform.connect("reader") as connection:
        rows = connection.execute(
            "SELECT format, sha256 FROM public_certified_documents WHERE election_no = %s ORDER BY format",
            [election_no],
        ).fetchall()
    return {form: bytes(digest) for form, digest in rows}


def _rests_on(connection: Connection, election_no: int) -> int | None:
    (number,) = connection.execute("SELECT documented_verdict(%s)", [election_no]).fetchone() or (None,)
    return number
