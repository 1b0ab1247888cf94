"""The count: votes on ``votes_topic`` to totals on the aggregated topics."""
