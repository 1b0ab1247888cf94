"""``election container``: what the images run, see docker-compose.yaml. Nothing here is typed by people."""

from typing import Annotated

import typer

from election.cli.application import app
from election.settings import Settings

container = typer.Typer(no_args_is_help=True, help="What the containers run.")
app.add_typer(container, name="container", hidden=True)

Name = Annotated[str, typer.Argument(help="the service, as `election status` names it")]


@container.command()
def serve(service: Name) -> None:
    """Be this service."""
    from election.stack import containers

    containers.serve(Settings(), service)


@container.command()
def health(service: Name) -> None:
    """Exit status 0 if this container's service gives a real answer."""
    from election.stack import containers

    containers.health(Settings(), service)


@container.command()
def finish_batch(
    seconds: Annotated[float, typer.Option(help="how long to wait for it")] = 40,
) -> None:
    """Have the count end after its batch, before its container stops. Airflow stays told to keep it running."""
    from election.count import driver

    driver.stop(Settings(), seconds=seconds)


@container.command()
def init() -> None:
    """Make what must be there before the services start."""
    from election.stack import containers

    containers.initialise(Settings())


@container.command()
def secrets(
    hardened: Annotated[bool, typer.Option("--hardened", help="also Kafka's users, and certificates")] = False,
) -> None:
    """Make the secrets that do not exist yet."""
    from election.stack.certificates import certify_services
    from election.stack.secrets import generate

    generate(Settings(), hardened=hardened)
    if hardened:
        certify_services(Settings())


@container.command()
def kafka_users(bootstrap: Annotated[str, typer.Argument(help="a listener that needs no login")]) -> None:
    """Make Kafka's users and what each may."""
    from election.stack.kafka_access import grant

    grant(Settings(), bootstrap)
