"""Answers of the control room: templates with everything escaped, under headers that keep a browser from doing more
with them than showing them here."""

from datetime import UTC, datetime
from typing import Any, TypeVar

from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from election.orchestration.control_room import addresses
from election.settings import Settings
from election.text import visible_in_templates

_HERE = "default-src 'none'; img-src 'self' data:; font-src 'self'; base-uri 'none'; frame-ancestors 'self'"
_PAGE = f"{_HERE}; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; frame-src "
DOCUMENT = f"{_HERE}; script-src 'self'; style-src 'self' 'unsafe-inline'; form-action 'none'"
"""Reports are made from data. They may style themselves, with files of their own run; they send no requests."""

_Answer = TypeVar("_Answer", bound=Response)


def rendered(settings: Settings, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The template as an answer that may embed the dashboard and nothing else."""
    answer = HTMLResponse(_templates.get_template(template).render(**values), status)
    return guarded(answer, _PAGE + settings.dashboard_page)


def guarded(answer: _Answer, policy: str = DOCUMENT) -> _Answer:
    """The same answer, with its content security policy and the headers that all share."""
    answer.headers["Content-Security-Policy"] = policy
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


_templates = Environment(
    loader=PackageLoader(__name__.rpartition(".")[0]),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=visible_in_templates,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals["static"] = f"{addresses.PAGES}/static"
_templates.filters |= {"moment": _moment, "report": addresses.report, "rejected": addresses.rejected}
