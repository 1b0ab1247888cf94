"""What a person reads before they decide: the figures of the newest verdict and who leads."""

from election.platform import Connection, Platform
from election.storage.elections import election, read_whole_elections

_NAMED = 5  # a person looks at the first few; the result has all


def question(platform: Platform, slug: str) -> str:
    """Markdown: registered, ballots, invalid, rejected, the verdict, and the candidates or parties ahead."""
    with platform.connect("reader") as connection:
        read_whole_elections(connection)
        poll = election(connection, slug)
        verdict = connection.execute(
            """SELECT ok, given_at, registered, stored, rejected FROM verdicts
               WHERE election_no = %s ORDER BY verdict_no DESC LIMIT 1""",
            [poll.election_no],
        ).fetchone()
        ahead = _ahead(connection, poll.election_no)
    if verdict is None:
        return f"**{poll.name}**: there is no verdict yet, so it cannot be certified."
    ok, given_at, registered, stored, rejected = verdict
    agrees = "everything agrees" if ok else "**it does not reconcile**, so it cannot be certified"
    return "\n".join(
        [
            f"**{poll.name}** ({poll.scenario}): {registered:,} registered, {stored:,} ballots "
            f"({stored / registered:.1%}), {rejected:,} records rejected.",
            "",
            f"Verdict of {given_at:%Y-%m-%d %H:%M:%S %Z}: {agrees}.",
            "",
            "| | votes |",
            "|---|---|",
            *(f"| {_cell(name)} | {votes:,} |" for name, votes in ahead),
            "",
            "*Certify* freezes this result: the database then refuses any change to the election. "
            "*Refuse* ends the run without a result; the election can still be mended, counted and certified.",
        ]
    )


def _ahead(connection: Connection, election_no: int) -> list[tuple[str, int]]:
    """The first candidates of a single contest; of several contests, the first parties."""
    rows = connection.execute(
        """SELECT CASE WHEN (SELECT count(*) FROM contests WHERE election_no = %(no)s) = 1
                       THEN min(given_name || ' ' || family_name) || ', ' || min(party)
                       ELSE min(party) END AS name, count(*) AS votes
           FROM votes JOIN candidates USING (election_no, contest_no, candidate_no)
           WHERE election_no = %(no)s
           GROUP BY CASE WHEN (SELECT count(*) FROM contests WHERE election_no = %(no)s) = 1
                         THEN candidate_no::text ELSE party_abbreviation END
           ORDER BY votes DESC, name LIMIT %(most)s""",
        {"no": election_no, "most": _NAMED},
    ).fetchall()
    return [(str(name), int(votes)) for name, votes in rows]


def _cell(text: str) -> str:
    """Text that cannot end a cell or a line of a table, nor be markup."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#!" else " " if c in "\r\n" else c for c in text)
