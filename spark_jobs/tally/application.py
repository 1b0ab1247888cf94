"""Checks that Spark's master still has the driver's application."""

from contextlib import suppress

from pyspark import SparkContext

from election.clients.spark import master_state
from election.errors import NotReachable, StageFailed
from election.settings import Settings

LOOK = 5.0  # seconds between checks
GIVEN_UP = 15.0  # seconds for which an active master may lack the application


class Application:
    """The driver's application. Once the master has given it up, it never gets an executor again and is not notified.

    A recovering master asks every application for an answer, and gives up those that do not answer within seconds,
    such as that of a driver that was frozen meanwhile.
    """

    def __init__(self, settings: Settings, context: SparkContext) -> None:
        self._settings, self._id = settings, context.applicationId
        # Another cluster's manager follows its own applications, and Kubernetes is no Spark master.
        self._followed = context.master == settings.spark_master and settings.runtime != "kubernetes"
        self._looked = self._had = 0.0

    def check(self, now: float) -> None:
        """Checks when a check is due; ``now`` in seconds. Raises StageFailed when the application was given up."""
        if not self._followed or now - self._looked < LOOK:
            return
        # The last check is long ago, because the driver was frozen or the master down. That time does not count.
        if now - self._looked > GIVEN_UP:
            self._had = now
        with suppress(NotReachable):  # a master that is down or recovers knows nothing; it comes back
            master = master_state(self._settings)
            self._looked = now
            if master["status"] != "ALIVE" or self._id in (application["id"] for application in master["activeapps"]):
                self._had = now
        if now - self._had > GIVEN_UP:
            raise StageFailed(
                f"Spark's master has given up the application {self._id}, and gives it no executor any more. The next "
                "driver goes on where this one stopped."
            )
