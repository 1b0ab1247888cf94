"""The result as a report in the format of NIST SP 1500-100 (``election.nist``)."""

from datetime import datetime

from election.live.result import Result
from election.nist import Report, reported


def report(result: Result, at: datetime) -> Report | None:
    """The report ``at`` that moment; None while only the topics are known, which do not have the polling day.

    Once certified it is equal to that of ``election export``, except for ``now``.
    """
    register = result.register
    election = register.election
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
        register.parties,
        tuple(
            reported(
                one.contest.id, one.contest.name, one.outcome, result.count, result.whole.rules, one.contest.position
            )
            for one in result.contests
        ),
        register.decision,
        register.recount,
        register.papers,
    )
