"""One colour a party: its own where the scenario gives one, else one from a colour-blind safe palette."""

import re

from dashboard.model.register import Register

# Okabe and Ito's palette ("Color Universal Design", 2008), its yellow and black toned to show on both themes.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56a0d3", "#b88a00", "#8c6bb1", "#7a7a7a")
NOBODY = "#9aa0a6"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def colours(register: Register) -> dict[str, str]:
    """``#rrggbb`` by party abbreviation. Parties without a colour of their own take the palette in turn."""
    found: dict[str, str] = {}
    spare = 0
    for abbreviation in sorted({c.party for c in register.candidates} | set(register.parties)):
        own = register.party(abbreviation).colour
        if own and _COLOUR.fullmatch(own):
            found[abbreviation] = own
        else:
            found[abbreviation] = PALETTE[spare % len(PALETTE)]
            spare += 1
    return found
