"""Text from data, shown as it is written: on a terminal, in HTML and Markdown, and compared as people type it.

Some characters act instead of being read: terminals obey control characters, browsers and terminals reorder what
follows a bidirectional override (Unicode Standard Annex #9). Scenarios may not contain them; where text comes from
elsewhere, they are shown as escapes.
"""

import re
import unicodedata
from typing import Any

# Control characters (C0, DEL, C1), separators of lines, bidirectional embeddings, overrides and isolates, and halves
# of surrogate pairs, which no output can encode.
_ACTING = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_acting = re.compile(f"[{_ACTING}]")
_breaking = re.compile(f"[{_ACTING}\t\n]")
# CommonMark reads an escape before any ASCII punctuation.
_markdown = re.compile(r"([!-/:-@\[-`{-~])")
_SAME = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201b\u02bc\u02bb\u2032\u00b4`\uff07", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\uff0d", "-")
)


def acting(text: str, *, lines: bool = False) -> tuple[int, str] | None:
    """The first character that acts, as its position and a description such as ``U+202E``; None without one.

    Tabs and line feeds count only without ``lines``; a carriage return before a line feed is part of the line's end.
    """
    for found in (_acting if lines else _breaking).finditer(text):
        if not (lines and found[0] == "\r" and text[found.end() : found.end() + 1] in ("\n", "")):
            named = unicodedata.name(found[0], "a control character")
            return found.start(), f"U+{ord(found[0]):04X} ({named})"
    return None


def visible(text: str, *, lines: bool = True) -> str:
    """The text with the characters that act written as escapes (``\\x1b``); without ``lines`` also tabs and breaks."""
    return (_acting if lines else _breaking).sub(_escape, text)


def visible_in_templates(value: Any) -> Any:
    """For Jinja's ``finalize``: every text that a template shows is ``visible``; markup made by templates stays."""
    return visible(value) if type(value) is str else value


def markdown(text: str) -> str:
    """The text as Markdown that shows it in one line: no markup, no HTML, no end of a table's cell."""
    return _markdown.sub(r"\\\1", visible(" ".join(text.split()), lines=False))


def in_json(document: str) -> str:
    """A JSON document that means the same and in which no character acts on a terminal."""
    return _acting.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def folded(text: str) -> str:
    """What two spellings of a name have in common: case, kinds of apostrophes and dashes, and blanks do not count."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_SAME).casefold().split())


def plain(text: str) -> str:
    """The same without accents, for searching: ``ynys mon`` finds Ynys Môn."""
    return "".join(c for c in unicodedata.normalize("NFKD", folded(text)) if not unicodedata.combining(c))


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
