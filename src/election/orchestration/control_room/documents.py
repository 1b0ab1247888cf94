"""Files of the data docs by the address that a browser asks for, and nothing else on this disk."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

OPERATORS = "operators"
"""Folders of this name hold raw records."""

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
    ".ttf": "font/ttf",
}
"""The kinds of files that data docs consist of; others are not served."""


@dataclass(frozen=True)
class Document:
    file: Path
    media_type: str
    operators_only: bool


def find(root: Path, path: str) -> Document | None:
    """The document at ``path`` (decoded, relative to ``root``; a folder's is its ``index.html``).

    None if it does not exist, has an unknown kind, or lies outside ``root``, by whatever spelling
    or link.
    """
    try:
        root = root.resolve()
        file = (root / path).resolve()
        if file.is_dir():
            file = (file / "index.html").resolve()
        if not file.is_relative_to(root) or not file.is_file():
            return None
    except (ValueError, OSError):  # no file can have such a name
        return None
    media_type = MEDIA_TYPES.get(file.suffix)
    if media_type is None:
        return None
    folders = (*file.relative_to(root).parts, *PurePosixPath(path).parts)
    return Document(file, media_type, OPERATORS in folders)
