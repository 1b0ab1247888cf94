"""The service's process: ``python -m results_feed``."""

import uvicorn

from election.live.snapshots import Snapshots
from election.logs import set_up
from election.messaging.aggregates import FOLDED
from election.platform import native
from election.serving import OPTIONS
from results_feed.application import application
from results_feed.publishing import Publisher


def main() -> None:
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
