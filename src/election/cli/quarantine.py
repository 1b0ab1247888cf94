"""``election quarantine``: excludes forged messages from the tally, by a person's decision."""

from typing import Annotated

import typer

from election.cli.application import app, console
from election.cli.certification import Reason
from election.cli.stages import Slug
from election.platform import native

_SHOWN = 20
User = Annotated[str, typer.Option("--user", "--by", help="the user who decides, one of ELECTION_CERTIFIERS")]


@app.command()
def quarantine(
    slug: Slug,
    reason: Reason,
    user: User = "admin",
    yes: Annotated[bool, typer.Option("--yes", help="decide without a question")] = False,
    count_again: Annotated[
        bool, typer.Option("--rebuild/--no-rebuild", help="count again at once; in containers `tally rebuild` does it")
    ] = True,
) -> None:
    """Exclude forged ballots on votes_topic, which match no stored ballot, from the tally. Then count again."""
    from election.cli.tally import rebuild_count
    from election.count.rebuilding import leaves_out_all
    from election.errors import ElectionError
    from election.reconciliation import find_forged
    from election.reconciliation import quarantine as decide

    platform = native()
    platform.settings.airflow_password(user)  # who decides must hold the login, as for `election certify`
    found = find_forged(platform, slug)
    if not found and leaves_out_all(platform):
        raise ElectionError(
            f"Nothing was decided: every message of {slug} on votes_topic is a stored ballot or quarantined already."
        )
    if found:
        for forged in found[:_SHOWN]:
            console.print(f"- {forged}", markup=False, highlight=False)
        if len(found) > _SHOWN:
            console.print(f"- and {len(found) - _SHOWN:,} more")
        question = f"Exclude {len(found):,} message(s) of {slug} from the tally?"
        if not yes and not typer.confirm(question):
            raise typer.Exit(1)
        number = decide(platform, slug, user, reason, found)
        console.print(f"Quarantine {number}: {len(found):,} message(s), decided by {user}.", markup=False)
    if count_again:
        rebuild_count(platform)
        console.print(
            f"`election reconcile {slug}` shows that the totals agree; then clear the failed tasks of its run."
        )
    else:
        console.print("It takes effect with the next `election tally rebuild`.")
