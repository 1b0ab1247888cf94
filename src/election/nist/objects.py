"""Objects of the format as JSON values: properties in the order of the XML Schema, so that XML keeps it too."""

import re
from typing import Any

from election.text import visible

Object = dict[str, Any]
# XML cannot hold these two.
_NONCHARACTERS = re.compile("[\ufffe\uffff]")


def new(kind: str, own_id: str | None = None, **properties: Any) -> Object:
    """An object of that type; properties that are None or an empty list are left out."""
    known = {"@type": f"ElectionResults.{kind}", "@id": own_id, **properties}
    return {name: _text(value) for name, value in known.items() if value is not None and value != []}


def _text(value: Any) -> Any:
    return _NONCHARACTERS.sub("\ufffd", visible(value)) if isinstance(value, str) else value


def named(content: str) -> Object:
    """Scenarios do not say what language a name is in: ``und`` is BCP 47's tag for that."""
    return new("InternationalizedText", Text=[new("LanguageString", Content=content, Language="und")])


def external(kind: str, value: str) -> list[Object]:
    return [new("ExternalIdentifier", Type="other", OtherType=kind, Value=value)]


def count_status(status: str) -> list[Object]:
    return [new("CountStatus", Status=status, Type="total")]
