"""The ``runs`` table: the election of each run of an Airflow DAG. Each row is written once."""

from election.errors import BadInput
from election.platform import Connection
from election.storage.elections import Election, election


def note_run(connection: Connection, dag_id: str, run_id: str, slug: str) -> None:
    """Records the run's election. Raises BadInput when the run is about another one."""
    connection.execute(
        """INSERT INTO runs (dag_id, run_id, election_no)
           SELECT %s, %s, election_no FROM elections WHERE slug = %s ON CONFLICT (dag_id, run_id) DO NOTHING""",
        [dag_id, run_id, slug],
    )
    noted = election_of_run(connection, dag_id, run_id)
    if noted is None or noted.slug != slug:
        other = f"is about the election {noted.slug}" if noted else "has no election"
        raise BadInput(f"The run {run_id!r} of {dag_id} {other}, not {slug}. Start a new run, under another id.")


def election_of_run(connection: Connection, dag_id: str, run_id: str) -> Election | None:
    """The run's election; None when the run has no election, or has not registered it yet."""
    found = connection.execute(
        "SELECT slug FROM runs JOIN elections USING (election_no) WHERE dag_id = %s AND run_id = %s", [dag_id, run_id]
    ).fetchone()
    return election(connection, found[0]) if found else None
