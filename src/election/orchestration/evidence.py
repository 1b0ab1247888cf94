"""The log of published ballots during a run: sealed while the poll is open, its heads sent to the webhook.

A head that lies elsewhere shows whether the log was rewritten later.
"""

import logging
from collections.abc import Mapping
from typing import Any

from election.errors import NotReachable
from election.evidence import Head, seal
from election.evidence.journal import newest_note
from election.orchestration.notification import post
from election.orchestration.runs import this_election
from election.platform import Platform
from election.settings import Settings

log = logging.getLogger(__name__)


def seal_until_closed(context: Mapping[str, Any]) -> dict[str, Any] | None:
    """Seals each second until the poll is closed, then sends the last head.

    Returns its ``size`` and ``root``; None when no ballot was published.
    """
    return _sent(*this_election(), context, follow=True)


def send_last_head(context: Mapping[str, Any]) -> None:
    """Sends the head that the certification is bound to."""
    _sent(*this_election(), context, follow=False)


def _sent(platform: Platform, slug: str, context: Mapping[str, Any], *, follow: bool) -> dict[str, Any] | None:
    head = seal(platform, slug, follow=follow, log=log.info)
    if head is None:
        return None
    if platform.settings.webhook_url:
        try:
            post(platform.settings, head_message(platform.settings, slug, head, newest_note(platform, slug), context))
        except NotReachable as error:  # costs the run nothing
            log.warning("The head was not sent. %s", error)
    return {"size": head.size, "root": head.root.hex()}


def head_message(
    settings: Settings, slug: str, head: Head, journal: str | None, context: Mapping[str, Any]
) -> dict[str, Any]:
    """As other notifications, and ``head``, a signed note, with its ``key``; ``journal``, that of the journal."""
    dag_id, run_id = context["dag"].dag_id, context["run_id"]
    return {
        "event": "log_head",
        "dag": dag_id,
        "run": run_id,
        "text": f"The log of {slug} has {head.size} entries. Root: {head.root.hex()}",
        "head": head.head,
        "key": head.verifier_key,
        "journal": journal,
        "url": f"{settings.airflow_page}/dags/{dag_id}/runs/{run_id}",
    }
