"""The tally: turns votes on ``votes_topic`` into totals on the aggregated topics."""
