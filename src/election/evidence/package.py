"""An election's package: what an outsider needs to check the result, and the program that checks it."""

import hashlib
import json
import shutil
import tarfile
from collections import defaultdict
from collections.abc import Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from psycopg import IsolationLevel

from election.contracts import topics
from election.contracts.messages import Decoder, VoteMessage
from election.errors import BadInput, StageFailed
from election.evidence import stated
from election.evidence.entries import AGE_GROUPS, GENDERS, EntryForm
from election.evidence.heads_topic import HeadsTopic
from election.evidence.journal import journal, journal_heads, sign_journal
from election.evidence.log import entries, entry_form, heads, origin, stored_entries
from election.outcome import AnyRules, Lot, Rules, decide, rules_of
from election.outcome.rules import DEFAULT
from election.platform import Connection, Platform
from election.storage.ballots import places, stored_votes
from election.storage.elections import Election, election
from election.storage.races import lots, races

_COUNTED = ("counted", "certified", "refused")


def package(platform: Platform, slug: str, output: Path | None = None) -> Path:
    """Writes the package into ``output``, which must not exist yet, or ``var/results/SLUG/package``.

    Returns the folder. Beside it is the same as an archive, ``.tar``, which must not exist yet either. Signs the
    journal first, so that the package has every decision. Raises UnknownElection, BadInput when the folder cannot be
    written, and StageFailed when the election is not counted, has no log or a journal that was changed.
    """
    own = platform.settings.var / "results" / slug / "package"
    folder = own if output is None else output.expanduser().absolute()
    archive = folder.with_name(f"{folder.name}.tar")
    for there in (folder, archive):
        if output is not None and there.exists():
            raise BadInput(f"{there} exists. Name a folder with --output that does not, nor its .tar.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".package-") as scratch:
            draft, packed = Path(scratch, "package"), Path(scratch, "package.tar")
            draft.mkdir()
            _write(platform, slug, draft)
            with tarfile.open(packed, "w") as tar:
                tar.add(draft, f"{slug}-package")
            if folder.exists():
                shutil.rmtree(folder)
            draft.rename(folder)
            packed.replace(archive)
    except OSError as error:
        raise BadInput(f"{folder} cannot be written: {error}. Name another folder with --output.") from error
    return folder


def _write(platform: Platform, slug: str, folder: Path) -> None:
    _sign_the_journal(platform, slug)
    with platform.connect("auditor") as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ  # one state of all tables
        poll = election(connection, slug)
        known = heads(connection, poll.election_no)
        if poll.state not in _COUNTED:
            raise StageFailed(f"{slug} is {poll.state}. Its package can be made once its ballots are counted.")
        _require_log(connection, poll, len(known))
        with (folder / "entries.bin").open("wb") as file:
            for sealed in stored_entries(connection, poll.election_no):
                file.write(sealed)
        signed = journal_heads(connection, poll.election_no)
        _require_signed(connection, poll, signed[-1].size if signed else 0)
        notes = [*(head.head for head in known), *(head.head for head in signed)]
        (folder / "heads.txt").write_text("\n".join(notes), "utf-8")
        keys = sorted({*(head.verifier_key for head in known), *(head.verifier_key for head in signed)})
        with (folder / "journal.jsonl").open("wb") as file:
            for noted in islice(journal(connection, poll.election_no), signed[-1].size if signed else 0):
                file.write(noted.line.encode() + b"\n")
        (folder / "keys.txt").write_text("".join(f"{key}\n" for key in keys), "utf-8")
        _write_json(folder / "election.json", _described(connection, poll))
        form = entry_form(connection, poll.election_no)
        result = {"counted": stated.counted(platform, poll, form)}
        if poll.state == "certified":
            result["certified"] = stated.certified(connection, poll.election_no, form)
        if poll.kind == "replay":
            result["official"] = stated.official(connection, poll.election_no, form)
        _write_json(folder / "result.json", result)
    write_programs(folder)
    write_checksums(folder)


def _sign_the_journal(platform: Platform, slug: str) -> None:
    """The verifier believes a quarantine and a certification by the signed journal alone. The head is published."""
    with platform.connect("auditor") as connection:
        connection.autocommit = True
        poll = election(connection, slug)
        refused = sign_journal(platform, connection, poll)
        HeadsTopic(platform, poll).publish(connection, lambda _: None)
    if refused:
        raise StageFailed(f"{refused} `election heads {slug} --check` says what was changed.")


def _require_signed(connection: Connection, poll: Election, signed: int) -> None:
    decided = connection.execute(
        """SELECT FROM journal WHERE election_no = %s AND entry_no > %s
           AND entry::jsonb ->> 'table' IN ('certifications', 'quarantined_messages') LIMIT 1""",
        [poll.election_no, signed],
    ).fetchone()
    if decided is not None:
        raise StageFailed(f"A decision on {poll.slug} was recorded just now. Write its package again.")


def _require_log(connection: Connection, poll: Election, sealed: int) -> None:
    """An election without a ballot has an empty log, and a package."""
    voted = connection.execute("SELECT FROM votes WHERE election_no = %s LIMIT 1", [poll.election_no]).fetchone()
    if sealed or voted is None:
        return
    if poll.state == "certified":
        raise StageFailed(
            f"{poll.slug} was certified before there was a log. Its ballots cannot be checked by a package."
        )
    raise StageFailed(f"{poll.slug} has no log, so there is nothing to check. `election seal {poll.slug}` makes one.")


def write_programs(folder: Path) -> None:
    """``verify.py``, ``decide.py``, and ``outcome.zip`` with the sources of ``election.outcome``."""
    for program in ("verify.py", "decide.py"):
        (folder / program).write_bytes(files("election.evidence").joinpath(program).read_bytes())
    with ZipFile(folder / "outcome.zip", "w", ZIP_DEFLATED) as packed:
        for name, there in (("election", ("__init__.py", "errors.py")), ("election.outcome", None)):
            for source in sorted(files(name).iterdir(), key=lambda one: one.name):
                if source.name.endswith(".py") and (there is None or source.name in there):
                    packed.writestr(ZipInfo(f"{name.replace('.', '/')}/{source.name}"), source.read_bytes())


def write_checksums(folder: Path) -> None:
    """``SHA256SUMS`` of every other file, as ``sha256sum --check`` reads it."""
    lines = []
    for file in sorted(folder.iterdir()):
        if file.name != "SHA256SUMS":
            with file.open("rb") as content:
                lines.append(f"{hashlib.file_digest(content, 'sha256').hexdigest()}  {file.name}\n")
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")


def _write_json(file: Path, value: dict[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _described(connection: Connection, poll: Election) -> dict[str, Any]:
    """The names behind the numbers, who was registered, and the rules by which seats are won."""
    no, rules, form = poll.election_no, rules_of(poll.parameters), entry_form(connection, poll.election_no)
    drawn = lots(connection, no)
    contests = _contests(connection, no, rules, drawn)
    series: dict[str, str] = {}
    if poll.series == "party":  # votes by minute are kept by party, and by the contest's position on the ballot paper
        for contest in contests.values():
            place = f"{contest['position']}/" if contest["position"] > 1 else ""
            series |= {line: place + of["party"] for line, of in contest["lines"].items()}
    return {
        "form": "election package 2",
        "election": poll.slug,
        "name": poll.name,
        "scenario": poll.scenario,
        "polling_day": poll.polling_day.isoformat(),
        "kind": poll.kind,
        "state": poll.state,
        "origin": origin(poll),
        "entry": {"bytes": form.size, "district": form.district, "preferences": form.preferences},
        "system": rules.system,
        "rules": poll.parameters.get("system") or {},
        "lots": [
            {"contest": lot.contest, "step": lot.step, "tied": lot.tied, "chosen": lot.chosen}
            for lot in drawn
            if lot.tied is not None
        ],
        "names": {"gender": dict(enumerate(GENDERS)), "age_group": dict(enumerate(AGE_GROUPS))},
        "series": series,
        "registered": _registered(connection, no, form),
        **_papers(connection, no, form),
        "contests": contests,
        "locations": {place.location: [place.country, place.region, place.city] for place in places(connection, no)},
        "left_out": _left_out(connection, poll, form),
    }


def _registered(connection: Connection, no: int, form: EntryForm) -> dict[str, dict[str, int]]:
    """Registered voters by part of the result; ``voters`` are those of districts, where entries name them."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for dimension, member, voters in connection.execute(
        """SELECT dimension, member, registered FROM registered_counts WHERE election_no = %(no)s
           UNION ALL SELECT 'contest', contest_no::text, registered FROM contests WHERE election_no = %(no)s
           ORDER BY 1, 2""",
        {"no": no},
    ):
        if dimension != "district":
            found[dimension][member] = voters
        elif form.district:
            found["voters"][member] = voters
    return dict(found)


def _papers(connection: Connection, no: int, form: EntryForm) -> dict[str, Any]:
    """The contests that each district votes in, and the districts' ids; empty where entries do not name districts."""
    papers: dict[str, list[str]] = defaultdict(list)
    names: dict[str, str] = {}
    for district, district_id, contest in connection.execute(
        """SELECT district_no::text, district_id, contest_no::text
           FROM public_papers JOIN public_districts USING (election_no, district_no)
           WHERE election_no = %s AND %s ORDER BY district_no, position""",
        [no, form.district],
    ):
        papers[district].append(contest)
        names[district] = district_id
    return {"papers": papers, "districts": names}


def _contests(connection: Connection, no: int, rules: AnyRules, drawn: Sequence[Lot]) -> dict[str, Any]:
    names = {
        number: (contest_id, name, position)
        for number, contest_id, name, position in connection.execute(
            "SELECT contest_no, contest_id, name, position FROM public_contests WHERE election_no = %s", [no]
        )
    }
    found: dict[str, Any] = {}
    own_rules = rules if isinstance(rules, Rules) else DEFAULT
    for race in races(connection, no):
        contest_id, name, position = names[race.number]
        first = {line.number: str(contender.number) for contender in race.contenders for line in contender.lines}
        found[str(race.number)] = {
            "id": contest_id,
            "name": name,
            "kind": race.kind,
            "region": race.region,
            "position": position,
            "seats": race.seats,
            "unopposed": race.unopposed,
            "lots": [
                {"tied": lot.tied and [str(key) for key in lot.tied], "chosen": [first[int(key)] for key in lot.chosen]}
                for lot in drawn
                if (lot.contest, lot.step) == (race.number, "seat")
            ],
            "lines": {
                str(line.number): {
                    "name": line.name,
                    "party": line.party,
                    "kind": line.kind,
                    "candidate_id": line.candidate_id,
                }
                for contender in race.contenders
                for line in contender.lines
            },
            # Without the lines that the rules pass over; a contender is known by the first of their lines.
            "contenders": {
                str(standing.contender.number): {
                    "lines": [str(line.number) for line in standing.contender.lines],
                    "party": standing.contender.party,
                    "person": standing.contender.is_person,
                }
                for standing in decide(race, {}, own_rules).contending
            },
        }
    return found


def _left_out(connection: Connection, poll: Election, form: EntryForm) -> list[int]:
    """Positions of entries that a person's decision left out of the count: forged messages in quarantine."""
    no = poll.election_no
    ids = {
        bytes(own)
        for (own,) in connection.execute("SELECT ballot_id FROM quarantined_messages WHERE election_no = %s", [no])
    }
    if not ids:
        return []
    decode = Decoder(VoteMessage, topics.MAX_RECORD_BYTES)
    true = {own: form.entry(decode(vote)) for own, vote in stored_votes(connection, poll) if own in ids}
    return [at for at, one in enumerate(entries(connection, no)) if one[:16] in ids and one != true.get(one[:16])]
