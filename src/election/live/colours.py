"""One colour a party: its own where the scenario gives one, else one from a colour-blind safe palette and beyond."""

import colorsys
import re
from collections import Counter
from functools import lru_cache
from itertools import product

from election.live.register import Register

# Okabe and Ito's palette ("Color Universal Design", 2008), its yellow and black toned to show on both themes.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56a0d3", "#b88a00", "#8c6bb1", "#7a7a7a")
NEUTRAL = "#9aa0a6"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_HUES, _LIGHTNESSES, _SATURATIONS = 24, (0.3, 0.4, 0.5, 0.6, 0.7), (0.4, 0.85)
_DARKEST, _LIGHTEST = 0.08, 0.42  # in luminance: more than 2:1 against both themes
_ALIKE = 45.0  # below this distance two colours are hard to tell apart in a legend


def colours(register: Register) -> dict[str, str]:
    """``#rrggbb`` by party abbreviation. Parties without a colour of their own take spare ones, the largest first.

    A party is as large as the number of its candidates, which does not change while votes are counted.
    """
    standing = Counter(candidate.party for candidate in register.candidates)
    found: dict[str, str] = {}
    others = []
    for abbreviation in sorted(standing.keys() | register.parties.keys(), key=lambda p: (-standing[p], p)):
        own = register.party(abbreviation).colour
        if own and _COLOUR.fullmatch(own):
            found[abbreviation] = own
        else:
            others.append(abbreviation)
    spare = _spare(frozenset(found.values()), len(others))
    return {**found, **dict(zip(others, spare, strict=True))}


@lru_cache(maxsize=64)  # every snapshot asks again
def _spare(own: frozenset[str], number: int) -> tuple[str, ...]:
    """So many colours apart from ``own``: the palette's first, then always the farthest from all that are taken."""
    further = [
        "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue / _HUES, lightness, saturation))
        for hue, lightness, saturation in product(range(_HUES), _LIGHTNESSES, _SATURATIONS)
    ]
    shown = [colour for colour in further if _DARKEST <= _luminance(colour) <= _LIGHTEST]
    taken = {*own, NEUTRAL}
    away = {colour: min(_distance(colour, other) for other in taken) for colour in [*PALETTE, *shown]}
    spare: list[str] = []
    while len(spare) < min(number, len(away)):
        safe = (colour for colour in PALETTE if colour not in spare and away[colour] >= _ALIKE)
        chosen = next(safe, None) or max(away, key=lambda colour: away[colour])
        spare.append(chosen)
        away = {colour: min(far, _distance(colour, chosen)) for colour, far in away.items()}
    return tuple(spare[n % len(spare)] for n in range(number))


def _distance(one: str, other: str) -> float:
    """How different two colours look, 0 to 765 (T. Riemersma, "Colour metric", CompuPhase)."""
    (r1, g1, b1), (r2, g2, b2) = _rgb(one), _rgb(other)
    mean = (r1 + r2) / 2
    red, green, blue = (r1 - r2) ** 2, (g1 - g2) ** 2, (b1 - b2) ** 2
    return float(((2 + mean / 256) * red + 4 * green + (2 + (255 - mean) / 256) * blue) ** 0.5)


def _luminance(colour: str) -> float:
    """0 (black) to 1 (white), near enough to WCAG's relative luminance."""
    red, green, blue = ((part / 255) ** 2.2 for part in _rgb(colour))
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
