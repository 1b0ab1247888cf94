"""Logs of the platform's processes: text, or one JSON object a line by the setting ``log_format``.

An object has ``timestamp``, ``level``, ``logger``, ``event`` and ``service``; where a stage works on an election also
``election`` and ``stage``. It never names a voter: rows that Postgres quotes in the details of its errors are left out.
"""

import logging
import re
import sys

import structlog
from structlog.typing import EventDict, Processor

from election.settings import Settings

# The lines in which Postgres quotes keys, rows and statements.
_QUOTED = re.compile(r"^\s*(DETAIL|CONTEXT|QUERY|STATEMENT): .*\n?", re.MULTILINE)


def set_up(settings: Settings, service: str) -> None:
    """Sends what this process logs to standard error, from the level WARNING on.

    Libraries that bring a handler of their own lose it when the format is JSON, so that every line is an object.
    """
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format == "json":
        for logger in logging.root.manager.loggerDict.values():
            if isinstance(logger, logging.Logger) and logger.handlers:
                logger.handlers.clear()
                logger.propagate = True
        handler.setFormatter(_json(service))
    logging.root.handlers = [handler]


def about(election: str, stage: str) -> None:
    """Adds the election's slug and the stage to everything that this process logs from now on."""
    structlog.contextvars.bind_contextvars(election=election, stage=stage)


def without_rows(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Removes rows that Postgres quotes, from the message and from the traceback."""
    for name in ("event", "exception"):
        if isinstance(event.get(name), str):
            event[name] = _QUOTED.sub("", event[name]).rstrip()
    return event


def _json(service: str) -> logging.Formatter:
    def of_this_service(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {**event, "service": service}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper("iso", utc=True),
        of_this_service,
    ]
    rendering: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        without_rows,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=rendering)
