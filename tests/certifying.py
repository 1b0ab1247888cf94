"""Elections that are counted and decided upon, where a test needs the decision and not the count before it."""

from election.certification import Decision, certify
from election.electorate import seed_candidates, seed_voters
from election.platform import Platform
from election.preparation import Registration, register
from election.storage.elections import Election, election

STATES = ("registered", "open", "closed", "counted")


def voted(platform: Platform, slug: str, voters: int) -> Election:
    """A counted election in the tables alone, where three of four have voted, some of them invalidly."""
    poll = register(platform, Registration("single-race", slug, voters=voters))
    seed_candidates(platform, slug)
    seed_voters(platform, slug, lambda _: None)
    with platform.connect("app") as connection:
        connection.execute(
            """INSERT INTO votes SELECT election_no, voter_no, contest_no, nullif(voter_no %% 4, 0), now()
               FROM voters WHERE election_no = %s AND voter_no %% 4 < 3""",
            [poll.election_no],
        )
    counted(platform, slug)
    return poll


def counted(platform: Platform, slug: str) -> None:
    """Takes the election on to ``counted``, as casting and the count would."""
    with platform.connect("app") as connection:
        state = election(connection, slug).state
        for step, noted in zip(STATES[1:], ("opened_at", "closed_at", "counted_at"), strict=True):
            if STATES.index(step) > STATES.index(state):
                connection.execute(f"UPDATE elections SET state = %s, {noted} = now() WHERE slug = %s", [step, slug])


def verdict(platform: Platform, slug: str, ok: bool = True, stored: int | None = None) -> int:
    """Puts down the auditor's verdict about the ballots that are stored, or about ``stored``; returns its number."""
    with platform.connect("auditor") as connection:
        (number,) = connection.execute(
            """INSERT INTO verdicts (election_no, ok, registered, stored, counted, rejected, differences)
               SELECT election_no, %(ok)s, (SELECT sum(registered) FROM contests c WHERE c.election_no = e.election_no),
                      n, n, 0, '[]'
               FROM elections e,
                    LATERAL (SELECT coalesce(%(stored)s, count(*)) AS n FROM votes v
                             WHERE v.election_no = e.election_no) AS ballots
               WHERE slug = %(slug)s RETURNING verdict_no""",
            {"ok": ok, "stored": stored, "slug": slug},
        ).fetchone() or (0,)
    return int(number)


def certified(platform: Platform, slug: str, by: str = "the returning officer") -> Decision:
    """The election counted, reconciled and certified, all by the database's own rules."""
    counted(platform, slug)
    verdict(platform, slug)
    return certify(platform, slug, by, "Every gate passed.")
