"""Reads many rows of Postgres as Arrow columns, which are processed a column at a time."""

from collections.abc import Iterator, Mapping
from typing import LiteralString

import pyarrow as pa
from adbc_driver_manager import OperationalError
from adbc_driver_postgresql import dbapi
from psycopg.conninfo import make_conninfo

from election.errors import NotReachable
from election.platform import Connection

# Bytes of a batch: small enough to stay in the processor's cache.
_BATCH = 1 << 20
_PLANNER = ("enable_nestloop", "max_parallel_workers_per_gather")


def columns(connection: Connection, query: LiteralString, parameters: Mapping[str, object]) -> Iterator[pa.RecordBatch]:
    """Yields the result in batches, in bounded memory, as Postgres sends it.

    Opens a new connection with the role and the planner settings of ``connection``. ``COPY`` takes no parameters, so
    they are settings of the new connection: the query says ``current_setting('query.name')`` for ``name``.
    Raises NotReachable when Postgres stops meanwhile.
    """
    own = make_conninfo(**connection.info.get_parameters(), password=connection.info.password)
    try:
        with dbapi.connect(own, autocommit=True) as reader, reader.cursor() as cursor:
            for name, value in parameters.items():
                cursor.execute("SELECT set_config($1, $2, false)", (f"query.{name}", str(value)))
            for name in _PLANNER:
                (told,) = connection.execute("SELECT current_setting(%s)", [name]).fetchone() or ("",)
                cursor.execute("SELECT set_config($1, $2, false)", (name, told))
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH)})
            cursor.execute(query)
            yield from cursor.fetch_record_batch()
    except (OperationalError, OSError) as error:  # while rows arrive, Arrow raises OSError
        raise NotReachable(f"Postgres did not give all the rows: {error}") from error
