"""HTML from templates that escape everything: a name from the data is text, whatever it contains."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from election.text import visible_in_templates

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=visible_in_templates,
    auto_reload=False,  # else each use of a template looks at its file
    trim_blocks=True,
    lstrip_blocks=True,
)


def monogram(name: str) -> str:
    """First and last initials: ``Virginia Ann Crosbie`` gives ``VC``; nothing for a name without a letter."""
    words = [word for word in name.split() if word[0].isalpha()]
    return "".join(word[0].upper() for word in (words[:1] + words[1:][-1:]))


_environment.filters["monogram"] = monogram


def render(template: str, **values: Any) -> str:
    return _environment.get_template(template).render(**values)
