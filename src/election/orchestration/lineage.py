"""What each task reads and writes, for OpenLineage: tables of Postgres and topics of Kafka.

Tasks are Python functions, so Airflow's provider cannot read it from SQL; it asks the extractor here. Every task that
is about an election also reads ``elections`` and ``runs``; these are named only where they are written. Only processes
of Airflow with the setting ``lineage`` import this module.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from airflow.providers.openlineage.extractors.base import BaseExtractor, OperatorLineage
from openlineage.client.event_v2 import InputDataset, OutputDataset

from election.contracts import topics
from election.settings import Settings

_TOPICS = {topic.name for topic in topics.TOPICS}
_TOTALS = tuple(topics.AGGREGATES)
_ELECTORATE = ("contests", "candidates", "locations", "voters", "registered_counts")
_FROZEN = (
    "certified_contests",
    "certified_results",
    "certified_district_results",
    "certified_elected",
    "certified_seats",
    "certified_outcomes",
)
_SEALED = ("log_rounds", "rejection_rounds", "journal_heads")
_AUDIT = ("audit_rounds", "audit_draws", "audit_papers", "audit_readings", "audit_risks")


@dataclass(frozen=True)
class Flow:
    """Names of tables, and of topics, that a task reads and writes."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


_CLOSED = Flow((topics.BALLOTS,), ("elections",))
_COMPARED = ("contests", "candidates", "voters", "votes", topics.VOTERS, topics.CANDIDATES, topics.VOTES, *_TOTALS)
_VALIDATED = Flow((*_ELECTORATE, "votes", *sorted(_TOPICS)), ("validations",))
_CERTIFIED = Flow(("verdicts", "lots", "deciders", "log_rounds"), ("certifications", *_FROZEN, "elections"))

FLOWS: dict[str, dict[str, Flow]] = {
    "election_run": {
        "prepare.create_tables": Flow(writes=("deciders",)),
        "prepare.create_topics": Flow(),
        "prepare.register": Flow(
            (topics.VOTES, topics.BALLOTS, "deciders"), ("elections", "ballot_keys", "parties", "contests", "runs")
        ),
        "electorate.seed_candidates": Flow(("contests", "parties"), ("candidates",)),
        "electorate.seed_voters": Flow(("contests", "locations"), ("locations", "voters")),
        "electorate.check_electorate": Flow(("contests", "candidates", "locations", "voters"), ("registered_counts",)),
        "electorate.validate": _VALIDATED,
        "publication.publish_candidates": Flow(("candidates", "contests"), (topics.CANDIDATES,)),
        "publication.publish_voters": Flow(("voters", "contests", "locations"), (topics.VOTERS, "elections")),
        "casting.open_poll": Flow((topics.BALLOTS,), ("elections",)),
        "casting.cast": Flow(
            (topics.VOTERS, topics.BALLOTS, "ballot_keys", "contests", "candidates", "locations", "voters", "votes"),
            ("votes", topics.VOTES, topics.REJECTED),
        ),
        "casting.seal": Flow((topics.VOTES, topics.REJECTED, "log_rounds", "journal"), (*_SEALED, topics.LOG_HEADS)),
        "casting.lay_down_papers": Flow(("voters", "contests", "candidates", "locations"), ("boxes",)),
        "casting.takes_ballots_from_outside": Flow(),
        "casting.close_when_told": Flow(),
        "casting.end_feed": _CLOSED,
        "casting.close_poll": _CLOSED,
        "casting.validate": _VALIDATED,
        "count.wait_until_counted": Flow(("votes", topics.VOTES, *_TOTALS), ("elections",)),
        "count.validate": _VALIDATED,
        "reconciliation.reconcile": Flow(
            (*_COMPARED, "ballot_keys", topics.BALLOTS, topics.REJECTED),
            ("verdicts", *_SEALED, topics.REJECTED, topics.LOG_HEADS),
        ),
        "certification.who_decides": Flow(("certifications",)),
        "certification.decide": _CERTIFIED,
        "certification.certify_unasked": _CERTIFIED,
        "certification.certified": Flow(("certifications", topics.VOTES), (*_SEALED, topics.LOG_HEADS)),
        "result.export_results": Flow(
            (*_FROZEN, "contests", "candidates", "parties", "registered_counts", "log_rounds", "journal"),
            ("certified_documents", *_SEALED, topics.LOG_HEADS),
        ),
    },
    "tally_stream": {"count": Flow((topics.VOTES,), (*_TOTALS, topics.TALLY_PROGRESS, topics.REJECTED))},
    "data_quality": {"validate": _VALIDATED},
    "recount": {
        "count_again": Flow(
            ("votes", "voters", "ballot_keys", topics.VOTES, *_FROZEN),
            ("verdicts", "certified_documents", "runs", *_SEALED, topics.LOG_HEADS),
        )
    },
    "audit": {
        "begin": Flow(("boxes", "log_rounds", "certifications"), ("audits", "runs")),
        "seed": Flow(("audits",), ("audit_digits",)),
        "rounds": Flow(("boxes", "log_rounds", "audit_digits", *_AUDIT), (*_AUDIT, "audit_hand_counts")),
        "signature": Flow(("audit_signatures",)),
        "write_report": Flow(("audits", "audit_digits", "audit_signatures", *_AUDIT)),
    },
}
"""By DAG and task."""


class FlowExtractor(BaseExtractor):
    """Gives the provider a task's flow; Airflow's configuration names it (``[openlineage] extractors``)."""

    @classmethod
    def get_operator_classnames(cls) -> list[str]:
        """The operators of this project's DAGs."""
        return [
            "_PythonDecoratedOperator",
            "_BranchPythonDecoratedOperator",
            "_ShortCircuitDecoratedOperator",
            "DecoratedSensorOperator",
            "ClosingOperator",
            "DecisionOperator",
            "TallyOperator",
        ]

    def _execute_extraction(self) -> OperatorLineage[Any, Any]:
        flow = FLOWS.get(self.operator.dag_id, {}).get(self.operator.task_id, Flow())
        return OperatorLineage(
            inputs=[InputDataset(*place) for place in _places(flow.reads)],
            outputs=[OutputDataset(*place) for place in _places(flow.writes)],
        )


def _places(names: Iterable[str]) -> list[tuple[str, str]]:
    """Namespace and name, in OpenLineage's own naming of Kafka's topics and Postgres's tables."""
    settings = Settings()
    broker = f"kafka://{settings.kafka_bootstrap.split(',')[0]}"
    database = f"postgres://{settings.postgres_host}:{settings.postgres_port}"
    return [
        (broker, name) if name in _TOPICS else (database, f"{settings.postgres_database}.public.{name}")
        for name in names
    ]
