"""Elections that are counted and decided upon, where a test needs the decision and not the count before it."""

import json

from election.certification import certify
from election.contracts.public import Decision
from election.electorate import seed_candidates, seed_voters
from election.outcome import decide_whole, record, rules_of
from election.platform import Platform
from election.preparation import Registration, register
from election.stack.starting import start
from election.storage.deciders import set_deciders
from election.storage.elections import Election, election
from election.storage.races import lots, races, stored_count

PEOPLE = ("the returning officer", "someone", "me")
"""Who may decide in the integration tests, beside those of the setting."""
STATES = ("registered", "open", "closed", "counted")


def voted(platform: Platform, slug: str, voters: int) -> Election:
    """A counted election in the tables alone, where three of four have voted, some of them invalidly; no tie."""
    poll = register(platform, Registration("single-race", slug, voters=voters))
    seed_candidates(platform, slug)
    seed_voters(platform, slug, lambda _: None)
    with platform.connect("app") as connection:
        connection.execute(
            """INSERT INTO votes
               SELECT election_no, voter_no, 1,
                      nullif(CASE voter_no WHEN 2 THEN 1 ELSE voter_no %% 4 END, 0), now(), 1
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
        poll = election(connection, slug)
        count = stored_count(connection, poll.election_no, over=True)
        drawn = lots(connection, poll.election_no)
        outcome = record(
            decide_whole(races(connection, poll.election_no), count, rules_of(poll.parameters), lots=drawn)
        )
        (number,) = connection.execute(
            """INSERT INTO verdicts (election_no, ok, registered, stored, counted, rejected, differences,
                                     outcome)
               SELECT election_no, %(ok)s, (SELECT sum(registered) FROM contests c WHERE c.election_no = e.election_no),
                      n, n, 0, '[]', %(outcome)s
               FROM elections e,
                    LATERAL (SELECT coalesce(%(stored)s, count(*)) AS n FROM votes v
                             WHERE v.election_no = e.election_no) AS ballots
               WHERE slug = %(slug)s RETURNING verdict_no""",
            {"ok": ok, "stored": stored, "slug": slug, "outcome": json.dumps(outcome)},
        ).fetchone() or (0,)
    return int(number)


def certified(platform: Platform, slug: str, by: str = "the returning officer") -> Decision:
    """The election counted, reconciled and certified, all by the database's own rules."""
    counted(platform, slug)
    return certify(platform, slug, by, "Every gate passed.", verdict(platform, slug))


def start_again(platform: Platform, services: tuple[str, ...]) -> None:
    """`election up` of these services. It leaves the deciders of the setting, so the tests' own people are added."""
    start(platform.settings, services)
    may_decide(platform, *PEOPLE)


def may_decide(platform: Platform, *names: str) -> None:
    """These may decide from now on, beside those of the setting."""
    with platform.connect("owner") as connection:
        set_deciders(connection, [*platform.settings.certifier_names, *names])
