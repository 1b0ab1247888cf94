"""``election restore-topics``: rebuilds the topics from the database."""

from election.cli.application import app, console
from election.platform import native


@app.command()
def restore_topics() -> None:
    """Publish every election's candidates and stored votes again, after the database was restored.

    The tally counts them, and `election reconcile` shows that all agrees. Safe to repeat. Rejected records and the
    position of an open poll are not in the database: run such an election again under another slug.
    """
    from election.casting import republish
    from election.messaging.topics import create_topics
    from election.publication import publish_candidates
    from election.storage.elections import elections

    platform = native()
    create_topics(platform)
    with platform.connect("reader") as connection:
        known = elections(connection)
    for poll in reversed(known):
        publish_candidates(platform, poll.slug)
        republish(platform, poll.slug, console.print)
        if poll.state in ("registered", "open"):
            console.print(
                f"{poll.slug} was {poll.state}: its poll cannot continue; register it again under another slug."
            )
