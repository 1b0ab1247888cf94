-- Tables of the elections database; run by the owner, safe to run again.
-- Every key starts with the election, so that elections never mix.

CREATE TABLE IF NOT EXISTS elections (
    election_no  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug         text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    scenario     text NOT NULL,
    name         text NOT NULL,
    polling_day  date NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('replay', 'simulated')),
    source       text NOT NULL CHECK (source IN ('offline', 'randomuser')),
    seed         bigint NOT NULL,
    -- what votes per minute are kept by: candidates in small elections, parties in large ones
    series       text NOT NULL CHECK (series IN ('candidate', 'party')),
    -- the parameters of the run that a stage needs again (turnout, nationality, …)
    parameters   jsonb NOT NULL DEFAULT '{}',
    state        text NOT NULL DEFAULT 'registered'
                 CHECK (state IN ('registered', 'open', 'closed', 'counted', 'certified', 'refused')),
    registered_at timestamptz NOT NULL DEFAULT now(),
    opened_at    timestamptz,
    closed_at    timestamptz,
    counted_at   timestamptz,
    decided_at   timestamptz,
    -- offsets by partition: where this election's records begin and end on a topic
    votes_from   jsonb NOT NULL,
    voters_from  jsonb,
    voters_to    jsonb,
    -- ballots from outside: the topic's ends when the election was registered, its poll opened and closed
    ballots_from jsonb,
    ballots_open jsonb,
    ballots_to   jsonb,
    -- of the scenario as it was registered (storage/scenario.py); null in elections of older versions
    scenario_digest text
);
-- A table made before these columns were. Looked up first: ALTER TABLE waits for every reader, and all others for it.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'elections'::regclass AND attname = 'decided_at') THEN
        ALTER TABLE elections ADD decided_at timestamptz;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'elections'::regclass AND attname = 'ballots_to') THEN
        ALTER TABLE elections ADD ballots_from jsonb, ADD ballots_open jsonb, ADD ballots_to jsonb;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'elections'::regclass AND attname = 'scenario_digest') THEN
        ALTER TABLE elections ADD scenario_digest text;
    END IF;
END $$;

-- The ballot key of each election: whoever reads it can tell whose ballot is whose.
CREATE TABLE IF NOT EXISTS ballot_keys (
    election_no  int PRIMARY KEY REFERENCES elections ON DELETE CASCADE,
    key          bytea NOT NULL CHECK (length(key) = 32)
);

CREATE TABLE IF NOT EXISTS parties (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    abbreviation text NOT NULL,
    name         text NOT NULL,
    colour       text CHECK (colour ~ '^#[0-9a-fA-F]{6}$'),
    PRIMARY KEY (election_no, abbreviation)
);

CREATE TABLE IF NOT EXISTS contests (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    contest_no   int NOT NULL,
    contest_id   text NOT NULL,
    name         text NOT NULL,
    region       text NOT NULL,
    country      text NOT NULL,
    declared_at  timestamp,
    registered   bigint NOT NULL CHECK (registered > 0),
    -- the contest's voters have the numbers first_voter_no … first_voter_no + registered - 1
    first_voter_no bigint NOT NULL,
    official_valid   bigint,
    official_invalid bigint,
    -- only where the contest polls later than the election
    polling_day  date,
    candidates_digest text,
    PRIMARY KEY (election_no, contest_no),
    UNIQUE (election_no, contest_id)
);
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'contests'::regclass AND attname = 'polling_day') THEN
        ALTER TABLE contests ADD polling_day date;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'contests'::regclass AND attname = 'candidates_digest') THEN
        ALTER TABLE contests ADD candidates_digest text;
    END IF;
END $$;

CREATE TABLE IF NOT EXISTS candidates (
    election_no  int NOT NULL,
    contest_no   int NOT NULL,
    candidate_no int NOT NULL,
    given_name   text NOT NULL,
    family_name  text NOT NULL,
    gender       text NOT NULL CHECK (gender ~ '^[a-z]+(-[a-z]+)*$'),
    party        text NOT NULL,
    party_abbreviation text NOT NULL,
    official_votes bigint,
    photo        bytea,
    PRIMARY KEY (election_no, candidate_no),
    UNIQUE (election_no, contest_no, candidate_no),
    FOREIGN KEY (election_no, contest_no) REFERENCES contests ON DELETE CASCADE,
    FOREIGN KEY (election_no, party_abbreviation) REFERENCES parties ON DELETE CASCADE
);

-- One row is a line on the ballot paper. Lines of one person share a candidate_id; kind says which are no person.
-- An unopposed contest has one person, and no poll is held in it.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'candidates'::regclass AND attname = 'candidate_id') THEN
        ALTER TABLE candidates ADD candidate_id text, ADD kind text NOT NULL DEFAULT 'person'
            CHECK (kind IN ('person', 'none-of-the-above', 'write-in'));
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'contests'::regclass AND attname = 'unopposed') THEN
        ALTER TABLE contests ADD unopposed boolean NOT NULL DEFAULT false;
    END IF;
END $$;

-- Candidates did not always go with their parties, and so no election could be deleted.
DO $$
DECLARE
    older text;
BEGIN
    SELECT conname INTO older FROM pg_constraint
    WHERE conrelid = 'candidates'::regclass AND confrelid = 'parties'::regclass AND confdeltype <> 'c';
    IF FOUND THEN
        EXECUTE format('ALTER TABLE candidates DROP CONSTRAINT %I', older);
        ALTER TABLE candidates ADD FOREIGN KEY (election_no, party_abbreviation) REFERENCES parties ON DELETE CASCADE;
    END IF;
END $$;

CREATE TABLE IF NOT EXISTS locations (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    location_no  int NOT NULL,
    country      text NOT NULL,
    region       text NOT NULL,
    city         text NOT NULL,
    PRIMARY KEY (election_no, location_no),
    UNIQUE (election_no, country, region, city)
);

CREATE TABLE IF NOT EXISTS voters (
    election_no  int NOT NULL,
    voter_no     bigint NOT NULL,
    contest_no   int NOT NULL,
    location_no  int NOT NULL,
    gender       text NOT NULL CHECK (gender IN ('female', 'male', 'non-binary')),
    date_of_birth date NOT NULL,
    title        text NOT NULL,
    given_name   text NOT NULL,
    family_name  text NOT NULL,
    email        text NOT NULL,
    phone        text NOT NULL,
    street       text NOT NULL,
    postcode     text NOT NULL,
    nationality  text NOT NULL,
    PRIMARY KEY (election_no, voter_no),
    FOREIGN KEY (election_no, contest_no) REFERENCES contests ON DELETE CASCADE,
    FOREIGN KEY (election_no, location_no) REFERENCES locations ON DELETE CASCADE
);

-- One row a ballot. The primary key makes a second vote impossible; the second foreign key a vote for
-- another contest's candidate. candidate_no is null on an invalid ballot.
CREATE TABLE IF NOT EXISTS votes (
    election_no  int NOT NULL,
    voter_no     bigint NOT NULL,
    contest_no   int NOT NULL,
    candidate_no int,
    cast_at      timestamptz NOT NULL,
    PRIMARY KEY (election_no, voter_no),
    FOREIGN KEY (election_no, voter_no) REFERENCES voters ON DELETE CASCADE,
    FOREIGN KEY (election_no, contest_no, candidate_no)
        REFERENCES candidates (election_no, contest_no, candidate_no) ON DELETE CASCADE
);

-- Registered voters by contest, location, gender and age group, counted once when the electorate is complete,
-- so that no reader of turnout ever needs the voters.
CREATE TABLE IF NOT EXISTS registered_counts (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    dimension    text NOT NULL CHECK (dimension IN ('contest', 'location', 'gender', 'age_group')),
    member       text NOT NULL,
    registered   bigint NOT NULL,
    PRIMARY KEY (election_no, dimension, member)
);

CREATE TABLE IF NOT EXISTS verdicts (
    verdict_no   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    given_at     timestamptz NOT NULL DEFAULT now(),
    ok           boolean NOT NULL,
    registered   bigint NOT NULL,
    stored       bigint NOT NULL,
    counted      bigint NOT NULL,
    rejected     bigint NOT NULL,
    differences  jsonb NOT NULL,
    -- distinct ballots on votes_topic; null in verdicts given before it was noted
    published    bigint,
    -- a recount compares the ballots with the certified result, a reconciliation with everything else
    kind         text NOT NULL DEFAULT 'reconciliation' CHECK (kind IN ('reconciliation', 'recount')),
    -- the state of the election when the verdict was given (certification.sql); null in verdicts of older versions
    state        text
);
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'verdicts'::regclass AND attname = 'published') THEN
        ALTER TABLE verdicts ADD published bigint;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'verdicts'::regclass AND attname = 'kind') THEN
        ALTER TABLE verdicts ADD kind text NOT NULL DEFAULT 'reconciliation'
            CHECK (kind IN ('reconciliation', 'recount'));
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'verdicts'::regclass AND attname = 'state') THEN
        ALTER TABLE verdicts ADD state text;
    END IF;
    -- who is elected by the stored votes (election.outcome.record); null unless ok, and in verdicts given before
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'verdicts'::regclass AND attname = 'outcome') THEN
        ALTER TABLE verdicts ADD outcome jsonb;
    END IF;
END $$;

-- Which election a run of an Airflow DAG is about: pages beside a run are told its DAG and its id, and nothing else.
CREATE TABLE IF NOT EXISTS runs (
    dag_id       text NOT NULL,
    run_id       text NOT NULL,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    noted_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dag_id, run_id)
);

-- One row a validation of an election at a checkpoint; only the auditor writes and prunes them.
CREATE TABLE IF NOT EXISTS validations (
    validation_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    checkpoint   text NOT NULL CHECK (checkpoint IN ('electorate', 'casting', 'count', 'schedule')),
    validated_at timestamptz NOT NULL DEFAULT now(),
    -- no critical expectation failed
    ok           boolean NOT NULL,
    expectations int NOT NULL,
    failed       int NOT NULL,
    warnings     int NOT NULL,
    -- what failed: name, severity, sentence, rows, some keys; no personal data
    findings     jsonb NOT NULL,
    -- the report's path under the folder of the data docs
    report       text NOT NULL,
    -- what it took
    seconds      real NOT NULL DEFAULT 0
);
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'validations'::regclass AND attname = 'seconds') THEN
        ALTER TABLE validations ADD seconds real NOT NULL DEFAULT 0;
    END IF;
END $$;

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
GRANT USAGE ON SCHEMA public TO election_app, election_auditor, election_reader, election_dashboard;
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
    TO election_dashboard;
