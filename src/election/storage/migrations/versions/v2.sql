-- What version 0.1 added: ballots from outside, runs, validations, certification.

-- Ballots from outside: the topic's ends when the election was registered, its poll opened and closed.
ALTER TABLE elections ADD decided_at timestamptz, ADD ballots_from jsonb, ADD ballots_open jsonb, ADD ballots_to jsonb;

-- An election is removed with its candidates, and these with their parties.
ALTER TABLE candidates
    DROP CONSTRAINT candidates_election_no_party_abbreviation_fkey,
    ADD FOREIGN KEY (election_no, party_abbreviation) REFERENCES parties ON DELETE CASCADE;

-- Distinct ballots on votes_topic; null in verdicts that were given before.
ALTER TABLE verdicts ADD published bigint;
-- A recount compares the ballots with the certified result, a reconciliation with everything else.
ALTER TABLE verdicts ADD kind text NOT NULL DEFAULT 'reconciliation' CHECK (kind IN ('reconciliation', 'recount'));

-- Which election a run of an Airflow DAG is about: pages beside a run know its DAG and its id, and nothing else.
CREATE TABLE runs (
    dag_id       text NOT NULL,
    run_id       text NOT NULL,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    noted_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dag_id, run_id)
);

-- One row a validation of an election at a checkpoint; only the auditor writes and prunes them.
CREATE TABLE validations (
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

-- A row a decision. A refused election may be decided upon again, a certified one never.
CREATE TABLE certifications (
    certification_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    decision     text NOT NULL CHECK (decision IN ('certified', 'refused')),
    decided_by   text NOT NULL CHECK (decided_by ~ '\S'),
    reason       text NOT NULL CHECK (reason ~ '\S'),
    decided_at   timestamptz NOT NULL DEFAULT now(),
    verdict_no   bigint REFERENCES verdicts ON DELETE CASCADE,
    CHECK (decision = 'refused' OR verdict_no IS NOT NULL)
);

-- The certified result, frozen: a row a contest and a row a candidate, names included.
CREATE TABLE certified_contests (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    contest_no   int NOT NULL,
    contest_id   text NOT NULL,
    name         text NOT NULL,
    registered   bigint NOT NULL,
    valid        bigint NOT NULL,
    invalid      bigint NOT NULL,
    turnout      double precision NOT NULL GENERATED ALWAYS AS ((valid + invalid)::float8 / registered) STORED,
    PRIMARY KEY (election_no, contest_no)
);
CREATE TABLE certified_results (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    contest_no   int NOT NULL,
    candidate_no int NOT NULL,
    candidate    text NOT NULL,
    party        text NOT NULL,
    votes        bigint NOT NULL,
    PRIMARY KEY (election_no, candidate_no)
);
