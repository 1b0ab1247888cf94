"""``election container``: what the images run, see docker-compose.yaml. Not for people."""

from typing import Annotated

import typer

from election.cli.application import app
from election.settings import Settings

container = typer.Typer(no_args_is_help=True, help="What the containers run.")
app.add_typer(container, name="container", hidden=True)

Name = Annotated[str, typer.Argument(help="the service, as `election status` names it")]


@container.command()
def serve(service: Name) -> None:
    """Run this service."""
    from election.stack import containers

    containers.serve(Settings(), service)


@container.command()
def health(service: Name) -> None:
    """Exit status 0 if this container's service gives a real answer."""
    from election.stack import containers

    containers.health(Settings(), service)


@container.command(context_settings={"ignore_unknown_options": True})
def task(command: Annotated[list[str], typer.Argument(help="what Airflow's executor wants run")]) -> None:
    """Run one task of Airflow in a pod of its own."""
    from election.stack import containers

    containers.run_task(Settings(), command)


@container.command()
def finish_batch(
    seconds: Annotated[float, typer.Option(help="how long to wait for it")] = 40,
) -> None:
    """Stop the tally after its batch, before its container stops. Airflow starts it again with the container."""
    from election.count import driver

    driver.stop(Settings(), seconds=seconds)


@container.command()
def init() -> None:
    """Create what services need before they start: roles, databases, connections."""
    from election.stack import containers

    containers.initialise(Settings())


@container.command()
def secrets(
    hardened: Annotated[bool, typer.Option("--hardened", help="also certificates")] = False,
) -> None:
    """Generate the secrets that do not exist yet."""
    from election.stack.certificates import certify_services
    from election.stack.containers import broker_secret
    from election.stack.secrets import generate

    settings = Settings()
    generate(settings)
    broker_secret(settings)
    if hardened:
        certify_services(settings)
