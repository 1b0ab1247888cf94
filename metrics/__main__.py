"""The service's process: ``python -m metrics``."""

import uvicorn
from prometheus_client import CollectorRegistry, ProcessCollector

from election.live.count import CountReader
from election.logs import set_up
from election.platform import native
from election.serving import OPTIONS
from metrics.application import application
from metrics.figures import Figures


def main() -> None:
    platform = native()
    settings = platform.settings
    set_up(settings, "metrics")
    count = CountReader(platform.kafka)
    count.start()
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(Figures(platform, count))
    try:
        app = application(registry, settings)
        uvicorn.run(app, host=settings.host, port=settings.metrics_port, **OPTIONS)
    finally:
        count.stop()


if __name__ == "__main__":
    main()
