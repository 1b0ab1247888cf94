"""The ``runs`` table: which election a run of an Airflow DAG is about."""

from election.platform import Connection
from election.storage.elections import Election, election


def note_run(connection: Connection, dag_id: str, run_id: str, slug: str) -> None:
    """Records that the run is about this election, whatever was recorded of it before."""
    connection.execute(
        """INSERT INTO runs (dag_id, run_id, election_no)
           SELECT %s, %s, election_no FROM elections WHERE slug = %s
           ON CONFLICT (dag_id, run_id) DO UPDATE SET election_no = EXCLUDED.election_no""",
        [dag_id, run_id, slug],
    )


def election_of_run(connection: Connection, dag_id: str, run_id: str) -> Election | None:
    """The run's election; None when the run is about none, or has not registered it yet."""
    found = connection.execute(
        "SELECT slug FROM runs JOIN elections USING (election_no) WHERE dag_id = %s AND run_id = %s", [dag_id, run_id]
    ).fetchone()
    return election(connection, found[0]) if found else None
