"""Seats as dots in a half circle: parties from the left by size, and where a majority begins."""

from dataclasses import dataclass
from functools import lru_cache
from math import cos, degrees, pi, sin
from urllib.parse import quote

from election.live.colours import NEUTRAL

FEWEST = 5
"""With fewer seats a half circle shows nothing."""
_OUTER, _INNER = 400, 160  # radii of the outermost and the innermost row, in the picture's own units
_EDGE = 32  # room for the dots of the outermost row


@dataclass(frozen=True)
class Hemicycle:
    """``image`` is an address with the picture in it. The majority line stands ``angle`` degrees right of upright."""

    image: str
    angle: float


@lru_cache(maxsize=64)  # seats change less often than votes
def hemicycle(parties: tuple[tuple[str, int, int], ...], total: int, majority: int) -> Hemicycle:
    """``parties`` are colour, seats won (whole dots) and seats led (rings); what is left of ``total`` is grey."""
    places, dot = _places(total)
    won, led, at = [], [], 0
    for colour, whole, ring in parties:
        won.append((colour, _path(places[at : at + whole])))
        led.append((colour, _path(places[at + whole : at + whole + ring])))
        at += whole + ring
    rest = _path(places[at:])
    holes = "".join(path for _, path in led)
    width, height = 2 * (_OUTER + _EDGE), _OUTER + 2 * _EDGE
    drawing = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' fill='none' stroke-linecap='round'"
        f" stroke-width='{dot:.1f}'>"
        f"<mask id='h' maskUnits='userSpaceOnUse' x='0' y='0' width='{width}' height='{height}'>"
        f"<path fill='#fff' d='M0 0h{width}v{height}H0z'/>"
        f"<path stroke='#000' stroke-width='{dot * 0.5:.1f}' d='{holes}'/>"
        f"</mask>{_strokes(won)}<g mask='url(#h)'>{_strokes(led)}</g>"
        f"<path stroke='{NEUTRAL}' stroke-opacity='.45' d='{rest}'/></svg>"
    )
    upright = (_angle(total, majority - 1) + _angle(total, min(majority, total - 1))) / 2
    return Hemicycle("data:image/svg+xml," + quote(drawing, safe=" ='/:;(),"), round(90 - degrees(upright), 1))


def _strokes(paths: list[tuple[str, str]]) -> str:
    return "".join(f"<path stroke='{colour}' d='{path}'/>" for colour, path in paths if path)


def _path(places: list[tuple[int, int]]) -> str:
    """A line without a length and with round ends is a dot: a few bytes a seat."""
    return "".join(f"M{x} {y}h0" for x, y in places)


def _places(total: int) -> tuple[list[tuple[int, int]], float]:
    """Where each seat is, from the left, and the diameter of a dot."""
    ordered, dot = _ordered(total)
    middle, floor = _OUTER + _EDGE, _OUTER + _EDGE
    return [(round(middle + r * cos(angle)), round(floor - r * sin(angle))) for angle, r in ordered], dot


def _angle(total: int, seat: int) -> float:
    return _ordered(total)[0][seat][0]


@lru_cache(maxsize=16)
def _ordered(total: int) -> tuple[list[tuple[float, float]], float]:
    """Angle and radius of each seat, from the left, and the diameter of a dot.

    As few rows as hold all seats; each gets seats in proportion to its length.
    """
    rows = next(n for n in range(1, total + 1) if _room(n) >= total)
    radii = [_INNER + (_OUTER - _INNER) * (row + 1) / rows for row in range(rows)]
    shares = [total * r / sum(radii) for r in radii]
    seats = [int(share) for share in shares]
    for row in sorted(range(rows), key=lambda row: seats[row] - shares[row])[: total - sum(seats)]:
        seats[row] += 1
    gap = min((_OUTER - _INNER) / rows, *(pi * r / max(1, n - 1) for r, n in zip(radii, seats, strict=True)))
    found = [
        (pi * (1 - place / (n - 1)) if n > 1 else pi / 2, r)
        for r, n in zip(radii, seats, strict=True)
        for place in range(n)
    ]
    return sorted(found, key=lambda seat: (-seat[0], -seat[1])), min(2.0 * _EDGE, 0.84 * gap)


def _room(rows: int) -> int:
    """How many seats fit into so many rows that are as far apart as the seats of a row."""
    apart = (_OUTER - _INNER) / rows
    return sum(1 + int(pi * (_INNER + apart * (row + 1)) / apart) for row in range(rows))
