"""The ``deciders`` table: the users who may certify and refuse. Functions in the database check it."""

from collections.abc import Sequence

from election.errors import BadInput
from election.platform import Connection


def deciders(connection: Connection) -> list[str]:
    """Their names, sorted; empty before the tables exist."""
    if connection.execute("SELECT to_regclass('public.deciders')").fetchone() == (None,):
        return []
    return [name for (name,) in connection.execute("SELECT name FROM deciders ORDER BY name").fetchall()]


def set_deciders(connection: Connection, names: Sequence[str]) -> None:
    """Makes the table hold exactly these names. For the owner's connection."""
    connection.execute("DELETE FROM deciders WHERE name <> ALL (%s)", [list(names)])
    connection.execute(
        "INSERT INTO deciders (name) SELECT unnest(%s::text[]) ON CONFLICT (name) DO NOTHING", [list(names)]
    )


def require_decider(name: str, may_decide: Sequence[str]) -> None:
    """Checks a decision that is announced before it is made. Raises BadInput unless ``may_decide`` has the name."""
    if name not in may_decide:
        raise BadInput(
            f"auto_certify certifies in the name of the user who starts the run, and {name or 'a nameless user'} may "
            f"not decide. These may: {', '.join(may_decide)}. Start the run as one of them, or without auto_certify."
        )
