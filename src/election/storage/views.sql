-- What the public may see and what each role may do; run by the owner, safe to run again.

-- What the public may see: no voter, no vote, no key.
CREATE OR REPLACE VIEW public_elections AS
    SELECT election_no, slug, scenario, name, polling_day, kind, series, state,
           registered_at, opened_at, closed_at, counted_at,
           (parameters ->> 'turnout')::float8 AS expected_turnout, decided_at, parameters -> 'system' AS system
    FROM elections;
CREATE OR REPLACE VIEW public_parties AS
    SELECT election_no, abbreviation, name, colour FROM parties;
CREATE OR REPLACE VIEW public_contests AS
    SELECT election_no, contest_no, contest_id, name, region, country, declared_at, registered,
           official_valid, official_invalid, polling_day, unopposed
    FROM contests;
CREATE OR REPLACE VIEW public_candidates AS
    SELECT election_no, contest_no, candidate_no, given_name, family_name, gender, party, party_abbreviation,
           official_votes, photo, candidate_id, kind
    FROM candidates;
CREATE OR REPLACE VIEW public_locations AS
    SELECT election_no, location_no, country, region, city FROM locations;
CREATE OR REPLACE VIEW public_registered_counts AS
    SELECT election_no, dimension, member, registered FROM registered_counts;
CREATE OR REPLACE VIEW public_verdicts AS
    SELECT election_no, verdict_no, given_at, ok, registered, stored, counted, rejected, differences, published, kind,
           outcome
    FROM verdicts;
CREATE OR REPLACE VIEW public_validations AS
    SELECT election_no, checkpoint, validated_at, ok, expectations, failed, report FROM validations;

-- Least privilege: stages write what they own, only the auditor gives verdicts, readers read.
GRANT USAGE ON SCHEMA public
    TO election_app, election_auditor, election_reader, election_dashboard, election_results_feed;
GRANT SELECT, INSERT ON ballot_keys, parties, contests, candidates, locations, voters, votes TO election_app;
GRANT SELECT, INSERT, UPDATE ON elections TO election_app;
GRANT SELECT, INSERT, DELETE ON registered_counts TO election_app;
-- Who could take away a voter could take away the vote, and store another one in its place.
REVOKE UPDATE, DELETE ON ballot_keys, parties, contests, candidates, locations, voters FROM election_app;
REVOKE DELETE ON elections FROM election_app;
REVOKE UPDATE ON registered_counts FROM election_app;
-- The election of a run is what its tasks decide on: noted once, never another one.
GRANT SELECT, INSERT ON runs TO election_app;
REVOKE UPDATE ON runs FROM election_app;
-- Statistics after a bulk load, without which the planner takes an election's millions of rows for one.
GRANT MAINTAIN ON voters, votes TO election_app;
GRANT SELECT ON verdicts TO election_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO election_auditor, election_reader;
REVOKE SELECT ON ballot_keys FROM election_reader;
GRANT INSERT ON verdicts TO election_auditor;
GRANT INSERT, DELETE ON validations TO election_auditor;
GRANT SELECT ON
    public_elections, public_parties, public_contests, public_candidates, public_locations,
    public_registered_counts, public_verdicts, public_validations
    TO election_dashboard, election_results_feed;
