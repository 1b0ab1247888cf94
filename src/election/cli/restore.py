"""``election restore-topics``: from the database alone back to a platform that counts."""

from election.cli.application import app, console
from election.platform import native


@app.command()
def restore_topics() -> None:
    """After the database was restored: put every election's candidates and stored votes on their topics again.

    The count takes it from there, and `election reconcile` shows that it agrees. Safe to repeat. Rejected records are
    on their topic alone, and so is the place of a poll that was open: such an election is run anew.
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
            console.print(f"{poll.slug} was {poll.state}: its poll cannot go on; register it anew under another slug.")
