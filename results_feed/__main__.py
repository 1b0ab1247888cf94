"""The service's process: ``python -m results_feed``."""

import uvicorn

from election.live.snapshots import Snapshots
from election.messaging.aggregates import FOLDED
from election.platform import native
from results_feed.application import application
from results_feed.publishing import Publisher
from results_feed.serving import OPTIONS


def main() -> None:
    platform = native()
    source = Snapshots(platform, role="results_feed", followed=FOLDED).start()
    publisher = Publisher(source).start()
    try:
        uvicorn.run(application(publisher), host=platform.settings.host, port=platform.settings.feed_port, **OPTIONS)
    finally:
        publisher.stop()
        source.stop()


if __name__ == "__main__":
    main()
