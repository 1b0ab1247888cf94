"""A driver whose application Spark's master has given up ends, so that the next one gets an executor."""

from types import SimpleNamespace
from typing import Any

import pytest

from election.errors import StageFailed
from election.settings import Settings
from spark_jobs.tally.application import GIVEN_UP, LOOK, Application

OWN, OTHER = {"id": "app-1"}, {"id": "app-2"}


def application(master: str | None = None) -> Application:
    settings = Settings()
    context: Any = SimpleNamespace(applicationId="app-1", master=master or settings.spark_master)
    return Application(settings, context)


def leads(*applications: dict[str, str], status: str = "ALIVE") -> dict[str, Any]:
    return {"status": status, "activeapps": applications}


def seconds(own: Application, *moments: float) -> None:
    for moment in moments:
        own.check(moment)


LOOKS = [100 + LOOK * n for n in range(10)]


def test_one_that_the_master_has_given_up_ends(spark_says: dict[str, Any]) -> None:
    own = application()
    spark_says.update(master=leads(OWN))
    seconds(own, *LOOKS)
    spark_says.update(master=leads(OTHER))
    with pytest.raises(StageFailed, match="given up the application app-1"):
        seconds(own, *(LOOKS[-1] + moment for moment in (LOOK, 2 * LOOK, 3 * LOOK, 4 * LOOK)))


@pytest.mark.parametrize("told", [leads(OWN, OTHER), leads(status="RECOVERING"), None], ids=["has", "recovers", "away"])
def test_one_that_the_master_has_or_may_have_goes_on(spark_says: dict[str, Any], told: dict[str, Any] | None) -> None:
    own = application()
    spark_says.update(master=told)
    seconds(own, *LOOKS)


def test_a_driver_that_was_frozen_looks_again_before_it_ends(spark_says: dict[str, Any]) -> None:
    own = application()
    spark_says.update(master=leads(OWN))
    own.check(100)
    spark_says.update(master=leads())
    own.check(100 + 10 * GIVEN_UP)
    spark_says.update(master=leads(OWN))
    seconds(own, *(100 + 10 * GIVEN_UP + moment for moment in LOOKS))


def test_the_application_of_another_cluster_is_none_of_its_business(spark_says: dict[str, Any]) -> None:
    own = application("k8s://https://cluster")
    spark_says.update(master=leads())
    seconds(own, *LOOKS)


def test_where_the_platform_runs_on_kubernetes_there_is_no_master_to_ask(
    monkeypatch: pytest.MonkeyPatch, spark_says: dict[str, Any]
) -> None:
    monkeypatch.setenv("ELECTION_RUNTIME", "kubernetes")
    own = application()
    spark_says.update(master=leads(OTHER))
    seconds(own, *LOOKS)
