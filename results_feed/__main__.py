"""The service's process: ``python -m results_feed``."""

import sys

import uvicorn

from election.live.snapshots import Snapshots
from election.logs import set_up
from election.messaging.aggregates import FOLDED
from election.platform import native
from election.serving import OPTIONS
from results_feed.application import application
from results_feed.publishing import Publisher

SWITCH_SECONDS = 0.0005
"""How long threads that compute keep the interpreter from the one that answers.

An answer needs the interpreter back after each call of the system. With Python's default of 5 ms, requests queue while
a new version is made.
"""


def main() -> None:
    sys.setswitchinterval(SWITCH_SECONDS)
    platform = native()
    set_up(platform.settings, "results-feed")
    source = Snapshots(platform, role="results_feed", followed=FOLDED).start()
    publisher = Publisher(source).start()
    try:
        uvicorn.run(application(publisher), host=platform.settings.host, port=platform.settings.feed_port, **OPTIONS)
    finally:
        publisher.stop()
        source.stop()


if __name__ == "__main__":
    main()
