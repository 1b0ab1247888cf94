-- The public views and the rights of each role. Run by the owner; safe to run again.

-- The public views show no voter, no vote and no key.
CREATE OR REPLACE VIEW public_elections AS
    SELECT election_no, slug, scenario, name, polling_day, kind, series, state,
           registered_at, opened_at, closed_at, counted_at,
           (parameters ->> 'turnout')::float8 AS expected_turnout, decided_at, parameters -> 'system' AS system
    FROM elections;
CREATE OR REPLACE VIEW public_parties AS
    SELECT election_no, abbreviation, name, colour FROM parties;
CREATE OR REPLACE VIEW public_contests AS
    SELECT election_no, contest_no, contest_id, name, region, country, declared_at, registered,
           official_valid, official_invalid, polling_day, unopposed, kind, seats,
           -- the same on all ballot papers
           coalesce((SELECT min(position) FROM papers WHERE papers.election_no = contests.election_no
                                                        AND papers.contest_no = contests.contest_no), 1) AS position
    FROM contests;
CREATE OR REPLACE VIEW public_districts AS
    SELECT election_no, district_no, district_id, name, region, country, registered FROM districts;
CREATE OR REPLACE VIEW public_papers AS
    SELECT election_no, district_no, position, contest_no FROM papers;
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

-- Least privilege: stages write their own tables, only the auditor writes verdicts, readers read.
GRANT USAGE ON SCHEMA public
    TO election_app, election_auditor, election_reader, election_dashboard, election_results_feed;
GRANT SELECT, INSERT ON ballot_keys, parties, districts, contests, papers, candidates, official_results,
    official_rankings, locations, voters, votes TO election_app;
GRANT SELECT, INSERT, UPDATE ON elections TO election_app;
GRANT SELECT, INSERT, DELETE ON registered_counts TO election_app;
-- A role that could delete a voter could delete the vote as well, and store another one.
REVOKE UPDATE, DELETE ON ballot_keys, parties, districts, contests, papers, candidates, official_results,
    official_rankings, locations, voters FROM election_app;
REVOKE DELETE ON elections FROM election_app;
REVOKE UPDATE ON registered_counts FROM election_app;
-- A run's tasks decide on the run's election, so it is recorded once and cannot be changed.
GRANT SELECT, INSERT ON runs TO election_app;
REVOKE UPDATE ON runs FROM election_app;
-- For statistics after a bulk load: without them the planner expects one row in place of an election's millions.
GRANT MAINTAIN ON voters, votes TO election_app;
GRANT SELECT ON verdicts TO election_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO election_auditor, election_reader;
REVOKE SELECT ON ballot_keys FROM election_reader;
GRANT INSERT ON verdicts TO election_auditor;
GRANT INSERT, DELETE ON validations TO election_auditor;
GRANT SELECT ON
    public_elections, public_parties, public_districts, public_contests, public_papers, public_candidates,
    public_locations,
    public_registered_counts, public_verdicts, public_validations
    TO election_dashboard, election_results_feed;
