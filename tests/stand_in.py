"""A driver without Spark for tests of what is around it: takes the lock, beats, and ends well when it is asked to."""

import sys

_PROGRAM = """
import fcntl, json, os, pathlib, signal, time
if {kills_its_starter}:
    os.kill(os.getppid(), signal.SIGTERM)
lock = open("lock", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
me = os.environ["ELECTION_TALLY_IDENTITY"]
def write(name, content):
    pathlib.Path(name + ".new").write_text(json.dumps(content))
    pathlib.Path(name + ".new").rename(name)
write("heartbeat.json", dict(identity=me, at=time.time(), counting=not {refuses}))
if {refuses}:
    write("ended.json", dict(identity=me, clean=False, error="refused, and why", refused=True))
    raise SystemExit(1)
deadline = time.monotonic() + 60
def wait_for(*files):
    while not all(map(os.path.exists, files)) and time.monotonic() < deadline:
        time.sleep(0.01)
wait_for("stop")
asked = os.path.exists("stop")
wait_for(*{ends_with})
write("ended.json", dict(identity=me, clean=asked, error="no stop was requested", refused=False))
"""


def stand_in(*, kills_its_starter: bool = False, ends_with: tuple[str, ...] = (), refuses: bool = False) -> list[str]:
    """Its command line. It sends its starter SIGTERM first, ends no sooner than these files are in its folder, or
    refuses its checkpoint."""
    program = _PROGRAM.format(kills_its_starter=kills_its_starter, ends_with=ends_with, refuses=refuses)
    return [sys.executable, "-c", program]
