"""Whether Spark's master still has the driver's application."""

from contextlib import suppress

from pyspark import SparkContext

from election.clients.spark import master_state
from election.errors import NotReachable, StageFailed
from election.settings import Settings

LOOK = 5.0  # seconds between looks
GIVEN_UP = 15.0  # seconds for which a master that leads may not have it


class Application:
    """One that its master has given up gets no executor ever again, and is not told.

    A master that recovers asks every application whether it is there, and gives up those that do not answer within
    seconds: a driver that was frozen meanwhile.
    """

    def __init__(self, settings: Settings, context: SparkContext) -> None:
        self._settings, self._id = settings, context.applicationId
        self._followed = context.master == settings.spark_master  # another cluster's manager follows its own
        self._looked = self._had = 0.0

    def check(self, now: float) -> None:
        """Looks when it is time to; ``now`` in seconds. Raises StageFailed when it was given up."""
        if not self._followed or now - self._looked < LOOK:
            return
        # Nobody looked for a while, because the driver was frozen or the master away: nothing is known of that time.
        if now - self._looked > GIVEN_UP:
            self._had = now
        with suppress(NotReachable):  # a master that is away or recovers knows nothing; it comes back
            master = master_state(self._settings)
            self._looked = now
            if master["status"] != "ALIVE" or self._id in (application["id"] for application in master["activeapps"]):
                self._had = now
        if now - self._had > GIVEN_UP:
            raise StageFailed(
                f"Spark's master has given up the application {self._id}, and gives it no executor any more. The next "
                "driver goes on where this one stopped."
            )
