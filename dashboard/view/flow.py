"""Transfers of a count of rankings as a picture: a lane for each candidate, a column for each stage."""

from urllib.parse import quote

from election.outcome import ContestOutcome, Stage

_LANE, _COLUMN, _BAR, _TOP = 64, 104, 22, 20


def flow(outcome: ContestOutcome, candidates: tuple[tuple[int, str, str], ...]) -> str:
    """An address with the picture in it. ``candidates`` are number, name and colour, in the order of the lanes.

    A bar is a candidate's votes after a stage, the dashed line the quota, a band the votes that moved.
    """
    most = max(float(votes) for stage in outcome.stages for votes in stage.votes.values())
    scale = (_LANE - 12) / max(most, float(outcome.quota or 0), 1.0)
    width = _COLUMN * len(outcome.stages)
    height = _TOP + _LANE * len(candidates)
    floor = {number: _TOP + _LANE * (lane + 1) - 4 for lane, (number, _, _) in enumerate(candidates)}
    colour = {number: colour for number, _, colour in candidates}
    bars, bands = [], []
    before: Stage | None = None
    for at, stage in enumerate(outcome.stages):
        x = at * _COLUMN
        for number, _, _ in candidates:
            tall = float(stage.votes[number]) * scale
            if tall:
                shape = f"M{x} {floor[number] - tall:.1f}h{_BAR}V{floor[number]}h-{_BAR}z"
                bars.append(f"<path fill='{colour[number]}' d='{shape}'/>")
        if before is not None and stage.moved is not None:
            left = x - _COLUMN + _BAR
            from_ = floor[stage.moved] - float(before.votes[stage.moved]) * scale
            for number, _, _ in candidates:
                gained = float(stage.votes[number] - before.votes[number]) * scale
                if number != stage.moved and gained > 0:
                    to = floor[number] - float(stage.votes[number]) * scale
                    bands.append(_band(left, from_, x, to, gained, colour[stage.moved]))
                    from_ += gained
        before = stage
    line = float(outcome.quota or 0) * scale
    quota = "".join(f"M0 {bottom - line:.1f}H{width}" for bottom in floor.values())
    numbers = "".join(
        f"<text x='{at * _COLUMN}' y='12'>{stage.number}</text>" for at, stage in enumerate(outcome.stages)
    )
    drawing = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}'>"
        f"<g opacity='.45'>{''.join(bands)}</g>{''.join(bars)}"
        f"<path stroke='#8a8f96' stroke-dasharray='5 4' d='{quota}'/>"
        f"<g fill='#8a8f96' font-family='sans-serif' font-size='12'>{numbers}</g></svg>"
    )
    return "data:image/svg+xml," + quote(drawing, safe=" ='/:;(),")


def _band(left: float, from_: float, right: float, to: float, tall: float, colour: str) -> str:
    middle = (left + right) / 2
    return (
        f"<path fill='{colour}' d='M{left} {from_:.1f}C{middle} {from_:.1f} {middle} {to:.1f} {right} {to:.1f}"
        f"v{tall:.1f}C{middle} {to + tall:.1f} {middle} {from_ + tall:.1f} {left} {from_ + tall:.1f}z'/>"
    )
