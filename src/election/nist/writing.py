"""The two forms of a document: JSON, and XML with the same names in the same order."""

import json
from typing import Any, Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from election.nist.document import document
from election.nist.report import Report

Form = Literal["json", "xml"]

NAMESPACE = "http://itl.nist.gov/ns/voting/1500-100/v2"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
# Elements whose type is abstract in the schema: the document says which one it is.
_ABSTRACT = ("GpUnit", "Contest", "ContestSelection")


def written(report: Report, form: Form) -> bytes:
    """The report in UTF-8. The same report gives the same bytes."""
    made = document(report)
    if form == "json":
        return (json.dumps(made, indent=1, ensure_ascii=False) + "\n").encode()
    root = Element("ElectionReport", {"xmlns": NAMESPACE, "xmlns:xsi": _INSTANCE})
    _fill(root, made)
    indent(root, " ")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "utf-8") + b"\n"


def _fill(element: Element, value: dict[str, Any]) -> None:
    for name, content in value.items():
        match name, content:
            case "@type", _:
                if element.tag in _ABSTRACT:
                    element.set("xsi:type", _plain(content))
            case "@id", _:
                element.set("ObjectId", content)
            case "Language", _:
                element.set(name, content)
            case "Content", _:
                element.text = content
            case _, [dict(), *_]:
                for one in content:
                    _fill(SubElement(element, name), one)
            case _, dict():
                _fill(SubElement(element, name), content)
            case _, list():
                SubElement(element, name).text = " ".join(content)
            case _, bool():
                SubElement(element, name).text = str(content).lower()
            case _:
                SubElement(element, name).text = str(content)


def _plain(kind: str) -> str:
    return kind.removeprefix("ElectionResults.")
