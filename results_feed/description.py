"""The feed's own page: its addresses and parameters, from the OpenAPI document, without scripts or foreign files."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

DESCRIPTION = """\
Results of elections as JSON, read only. Every answer has a `version`: pass it as `since` to the same address, and the
next answer has only the items that changed. An answer has an `ETag`; send it as `If-None-Match` to get status 304 while
nothing has changed. Long answers have pages: follow `next` until it is null. Times are UTC. Errors are
`application/problem+json`."""

_FOLDER = Path(__file__).parent / "templates"
_STYLE = (_FOLDER / "page.css").read_text()
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_CODE = re.compile(r"`+([^`]+)`+")


def described(document: dict[str, Any]) -> HTMLResponse:
    """The page of an OpenAPI document."""
    addresses = [{"path": path, **operations["get"]} for path, operations in document["paths"].items()]
    fields = {name: schema for name, schema in document["components"]["schemas"].items() if "properties" in schema}
    text = _TEMPLATE.render(about=document["info"], addresses=addresses, fields=fields, style=_STYLE)
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})


def kind(schema: dict[str, Any]) -> Markup:
    """A schema's type in words, such as ``list of TotalRow`` or ``integer or null``; other schemas as links."""
    if "$ref" in schema:
        return Markup('<a href="#{0}">{0}</a>').format(str(schema["$ref"]).rpartition("/")[2])
    if "anyOf" in schema:
        return Markup(" or ").join(kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return Markup(" | ").join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return Markup("list of ") + kind(schema.get("items", {}))
    return escape(schema.get("format") or schema.get("const") or schema.get("type", "any"))


def marked(text: str) -> Markup:
    """The text with what is between backticks as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(_CODE.split(text))
    )


def answer(address: dict[str, Any]) -> Markup:
    return kind(address["responses"]["200"]["content"]["application/json"]["schema"])


_PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
)
_PAGES.filters |= {"kind": kind, "marked": marked, "answer": answer}
_TEMPLATE = _PAGES.get_template("page.html")
