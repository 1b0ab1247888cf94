"""The gate before the certification: nothing is decided before the log and the verdict are about the same ballots."""

from election.casting import reject_late
from election.evidence import seal
from election.platform import Platform
from election.reconciliation import reconcile, record


def seal_and_reconcile(platform: Platform, slug: str) -> None:
    """Rejects late ballots, seals what was published, and records the verdict. Raises StageFailed unless it is ok."""
    reject_late(platform, slug)  # the feed may have gone on while the votes were counted
    seal(platform, slug)
    verdict = reconcile(platform, slug)
    record(platform, slug, verdict)
    verdict.require_ok()
