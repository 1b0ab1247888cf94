"""An audit's report for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from election.audit.audits import NOT_THERE
from election.audit.comparison import INVALID
from election.audit.signing import Progress
from election.storage.elections import Election
from election.text import markdown

_FINDINGS = {
    "confirmed": "confirmed by the sample",
    "confirmed by hand count": "confirmed: all papers were counted by hand",
    "wrong": "**wrong**: the papers, all counted by hand, elect another candidate",
    "hand count": "open: all papers are to be counted by hand",
    "another round": "open: another round is to be drawn",
    "not drawn": "open: no sample is drawn yet",
}


def text(poll: Election, now: Progress, described: Mapping[str, Any]) -> str:
    """Markdown from what the JSON holds."""
    audit, signed = now.audit, described["signed"]
    typed = ", ".join(f"{part['digits']} ({markdown(part['typed_by'])})" for part in described["seed_parts"])
    lines = [
        f"# Audit {audit.audit_no} of {markdown(poll.name)}",
        "",
        "A rehearsal: the voters are invented, and so are the papers. It shows the procedure and the arithmetic, and "
        "that the count agrees with a record that was made without it. It says nothing about a real election.",
        "",
        f"- Election: `{poll.slug}`. Method: ballot {audit.method}. Risk limit: {audit.risk_limit:.2%}.",
        f"- Committed by {markdown(audit.committed_by)} at {audit.committed_at:%Y-%m-%d %H:%M:%S %Z}: a log of "
        f"{audit.log_size:,} entries with the root `{audit.log_root.hex()}`, boxes with the SHA-256 "
        f"`{audit.manifest}`.",
        f"- Seed: `{now.digits or 'not complete'}`, typed as {typed or 'nothing yet'}.",
        f"- Signed: {markdown(signed['by'])}, {markdown(signed['reason'])}" if signed else "- Not signed yet.",
        *(
            f"- Audit {one['audit_no']} came before it, signed: {markdown(one['signed_by'])}, {markdown(one['reason'])}"
            for one in described["before"]
        ),
        "",
        "| contest | margin | ballots | drawn | rounds | 1 over | 2 over | under | risk | finding |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for stand, one in zip(now.contests, described["contests"], strict=True):
        risk = stand.risk
        figures = (
            f"{risk.drawn:,} | {risk.round_no} | {risk.one_over} | {risk.two_over} | {risk.one_under + risk.two_under} "
            f"| {risk.risk:.2%}"
            if risk
            else "0 | 0 | | | | "
        )
        size = f"{one['margin']:,} | {one['ballots']:,}"
        lines.append(f"| {markdown(one['name'])} | {size} | {figures} | {_FINDINGS[stand.finding]} |")
    lines += ["", "Over: the record was better for a winner than the paper, by one vote or by two.", ""]
    lines += _by_hand(described["contests"])
    if described["planted_faults"]:
        planted = ", ".join(f"{name} {number}" for name, number in described["planted_faults"].items() if number)
        lines += [f"Planted for this rehearsal: {planted or 'no fault'}.", ""]
    lines += [
        "## Compute it again",
        "",
        f"`audit-{audit.audit_no}.json` holds every draw with its ticket, record and paper, every entry, and the boxes."
        " `election audit check FILE` draws again from the seed, takes papers from the entries, and computes each "
        "risk and what follows again. The records are entries of the log, which the election's package holds: find a "
        "ballot's id under `imprints`.",
        "",
    ]
    return "\n".join(lines)


def _by_hand(contests: Sequence[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for one in contests:
        if one["hand_count"]:
            lines += [f"## {markdown(one['name'])}, counted by hand", "", "| | papers |", "|---|---|"]
            names = {INVALID: "invalid", NOT_THERE: "missing", **one["names"]}
            lines += [
                f"| {markdown(names.get(line, str(line)))} | {papers:,} |"
                for line, papers in sorted(one["hand_count"].items(), key=lambda found: -found[1])
            ]
            lines.append("")
    return lines
