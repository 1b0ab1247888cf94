"""What each stage of a run does, in an operator's words: the documentation of its task group in Airflow."""

from election.orchestration.failures import advice

_STAGES = {
    "prepare": "Creates missing tables and topics, checks the form, and registers the election under its "
    "slug. From here on the tab **Election** shows it. Nothing is written when a parameter is refused.",
    "electorate": "Puts candidates and voters into Postgres and checks them: ages, places, contests, numbers. A replay "
    "has the official number of voters. Its gate `validate` checks the expectations of the tables.",
    "publication": "Puts voters and candidates on their topics, and records where this election's voters begin and end "
    "there. Casting reads exactly these.",
    "casting": "Opens the poll, offers the ballot to every voter, stores each vote and then publishes it; several "
    "workers share the voters. Meanwhile `seal` appends published ballots to the election's log and signs its head "
    "each second. With **box**, `lay_down_papers` puts papers into boxes for an "
    "audit. With ballots from outside it waits until you answer `close_when_told` under *Required "
    "Actions*. The link **Rejected records**, under *Details* of a task, shows what could not be used.",
    "count": "Waits until the stream, which runs in `tally_stream`, has counted every stored ballot. Its gate compares "
    "every total with the votes. The link **Spark UI**, under *Details*, leads to the stream's own pages.",
    "reconciliation": "Seals the log of published ballots. Compares every stored ballot with every published one, "
    "every total with the votes, and a replay with the official figures. Only when all of it agrees may the result be "
    "certified.",
    "certification": "Waits, without holding a worker, until a decider certifies or refuses, with a "
    "reason. The question is under *Required Actions*. Marking a task success by hand certifies nothing.",
    "result": "Writes the certified result to files, for the press and for the archive.",
}


def documentation(stage: str) -> str:
    """Markdown for the stage's task group: what happens, and what to do when a task of it fails."""
    return f"{_STAGES[stage]}\n\n**When a task fails:** its log says what is wrong. {advice(stage)}"
