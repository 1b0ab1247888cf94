"""Words for a result against the election before, as British broadcasters use them: gain, hold, swing."""

from dashboard.view.reader import Reader
from election.live.register import Register
from election.live.result import ContestResult, Result
from election.outcome.change import Swing


def in_short(contest: ContestResult) -> str:
    """``Con gain from Lab``, ``Lab hold``; ``Lab defending`` until the contest is complete; empty without any."""
    change = contest.change
    if change is None or contest.before is None:
        return f"{contest.before.party} defending" if contest.before and contest.before.party else ""
    if change.gained:
        return f"{change.now} gain from {change.before}"
    return f"{change.now} hold" if change.held else ""


def in_full(contest: ContestResult, register: Register) -> str:
    """The same with the parties' names."""
    change = contest.change
    if change is None or contest.before is None:
        if contest.before is None or contest.before.party is None:
            return ""
        return f"{register.party(contest.before.party).name} defending"
    now = register.party(change.now or "").name
    if change.gained:
        return f"{now} gain from {register.party(change.before or '').name}"
    return f"{now} hold" if change.held else ""


def swing_in_short(contest: ContestResult, reader: Reader) -> str:
    """``swing 5.1 points Lab to Con``; empty until the contest is complete, and without a swing."""
    swing = contest.change.swing if contest.change else None
    return "" if swing is None else f"swing {_points(swing, reader)} points {swing.of} to {swing.to}"


def swing_and_turnout(contest: ContestResult, register: Register, reader: Reader) -> str:
    """A sentence or two for a complete contest; empty for another."""
    change, earlier = contest.change, register.earlier
    if change is None or earlier is None:
        return ""
    said = []
    if change.swing is not None:
        said.append(f"Swing of {_points(change.swing, reader)} points {from_to(change.swing, register)}.")
    if change.turnout is not None:
        said.append(f"Turnout {up_or_down(float(change.turnout), reader)} on {earlier.title}.")
    return " ".join(said)


def up_or_down(difference: float, reader: Reader) -> str:
    """A difference of shares in words: ``up 2.0 points``."""
    figure = reader.points(difference, signed=False)
    if figure == reader.points(0.0, signed=False):
        return "unchanged"
    return f"{'up' if difference > 0 else 'down'} {figure} points"


def from_to(swing: Swing, register: Register) -> str:
    return f"from {register.party(swing.of).name} to {register.party(swing.to).name}"


def proviso(result: Result, reader: Reader) -> str:
    """Which contests are compared, and whether that can still change."""
    state, complete, every = result.register.election.state, result.complete, len(result.contests)
    left_out = len(result.change.unmatched) if result.change else 0
    said = {"certified": "", "refused": "The result was not certified."}.get(state)
    if said is None:
        said = "Provisional until the result is certified."
    if complete < every:
        contests = f"{reader.number(complete)} of {reader.number(every)} contests are complete"
        said = f"So far: {contests}, and only these count."
    if left_out:
        new = "1 new contest is" if left_out == 1 else f"{reader.number(left_out)} new contests are"
        said += f" {new} left out: nothing was decided there before."
    return said.strip()


def _points(swing: Swing, reader: Reader) -> str:
    return reader.points(float(swing.share), signed=False)
