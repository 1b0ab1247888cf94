"""The result as a report in the format of NIST SP 1500-100 (``election.nist``)."""

from datetime import datetime

from election.live.result import Result
from election.nist import Decision, Party, Recount, Report, plurality


def report(result: Result, at: datetime) -> Report | None:
    """The report ``at`` that moment; None while only the topics are known, which do not have the polling day.

    Once certified it is equal to that of ``election export``, except for ``now``.
    """
    register = result.register
    election, decision, recount = register.election, register.decision, register.recount
    if election.polling_day is None:
        return None
    days = [contest.polling_day for contest in register.contests if contest.polling_day]
    return Report(
        election.slug,
        election.name,
        election.polling_day,
        max([election.polling_day, *days]),
        election.kind == "replay",
        election.state,
        at,
        {
            party.abbreviation: Party(party.abbreviation, party.name, party.colour)
            for party in register.parties.values()
        },
        tuple(plurality(one.contest.id, one.contest.name, one.outcome) for one in result.contests),
        Decision(decision.decided_by, decision.reason, decision.decided_at) if decision else None,
        Recount(recount.given_at, recount.ok) if recount else None,
    )
