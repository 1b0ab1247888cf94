"""The one error hierarchy. Every message says what is wrong and what to do next."""


class ElectionError(Exception):
    """Anything a person can act on; the command line prints its text without a traceback."""


class BadInput(ElectionError):
    """A scenario, parameter or option that cannot be used. Nothing was written."""


class UnknownElection(ElectionError):
    """No election with that slug is registered."""

    def __init__(self, slug: str, known: list[str]) -> None:
        hint = f"Known elections: {', '.join(known)}." if known else "None is registered yet."
        super().__init__(f"There is no election {slug!r}. {hint} `election run` starts one.")


class StackError(ElectionError):
    """The platform's services cannot be set up, started or stopped."""


class NotReachable(ElectionError):
    """Postgres, Kafka, Spark or Airflow does not answer."""


class StageFailed(ElectionError):
    """A stage ran and found that its result is not what it must be."""


class NotReconciled(StageFailed):
    """The count, the ballots and the database do not agree."""
