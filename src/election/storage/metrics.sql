-- The rights of the service `metrics`. Run by the owner after all views exist; safe to run again.
-- It reads no voter, vote, key or person; reasons: docs/decisions/0071-metrics.md.

GRANT USAGE ON SCHEMA public TO election_metrics;
-- Of an election it needs the offsets on the topics, as `election status` does.
GRANT SELECT ON elections, public_elections, public_districts, public_verdicts, public_validations TO election_metrics;
