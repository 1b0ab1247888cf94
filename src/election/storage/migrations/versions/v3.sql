-- What version 0.2 added: digests of the scenario, who may decide, who is elected, quarantine, removal.

-- Of the scenario as it was registered (storage/scenario.py); null in elections of older versions.
ALTER TABLE elections ADD scenario_digest text;
ALTER TABLE contests
    ADD polling_day date,  -- only where the contest polls later than the election
    ADD candidates_digest text,
    ADD unopposed boolean NOT NULL DEFAULT false;  -- one person, and no poll is held

-- One row is a line on the ballot paper. Lines of one person share a candidate_id; kind says which are no person.
ALTER TABLE candidates
    ADD candidate_id text,
    ADD kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'none-of-the-above', 'write-in'));

-- The state of the election when the verdict was given (certification.sql); null in verdicts of older versions.
ALTER TABLE verdicts ADD state text;
-- Who is elected by the stored votes (election.outcome.record); null unless ok, and in verdicts of older versions.
ALTER TABLE verdicts ADD outcome jsonb;

-- Who may decide: the users of the setting ELECTION_CERTIFIERS, written by the owner alone (storage/deciders.py).
CREATE TABLE deciders (
    name         text PRIMARY KEY CHECK (name ~ '\S'),
    since        timestamptz NOT NULL DEFAULT now()
);

-- Decisions without a verdict, as they were until now.
DROP FUNCTION IF EXISTS certify(text, text, text);
DROP FUNCTION IF EXISTS refuse(text, text, text);
DROP FUNCTION IF EXISTS up_for_decision(text, text, text);

-- A lot drawn between candidates with equal votes. Rows are only added; the newest of a contest counts.
CREATE TABLE lots (
    lot_no       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    election_no  int NOT NULL,
    contest_no   int NOT NULL,
    -- a line of the elected candidate
    candidate_no int NOT NULL,
    recorded_by  text NOT NULL CHECK (recorded_by ~ '\S'),
    reason       text NOT NULL CHECK (reason ~ '\S'),
    -- the newest verdict then, which named the tie
    verdict_no   bigint NOT NULL REFERENCES verdicts ON DELETE CASCADE,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (election_no, contest_no, candidate_no)
        REFERENCES candidates (election_no, contest_no, candidate_no) ON DELETE CASCADE
);

-- Who was elected, in the order of election, and the seats by party, as the verdict said that was certified.
CREATE TABLE certified_elected (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    contest_no   int NOT NULL,
    position     int NOT NULL,
    candidate_no int NOT NULL,
    candidate    text NOT NULL,
    party        text NOT NULL,
    parties      text[] NOT NULL,
    votes        bigint NOT NULL,
    how          text NOT NULL CHECK (how IN ('votes', 'unopposed', 'lot')),
    PRIMARY KEY (election_no, contest_no, position)
);
CREATE TABLE certified_seats (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    party        text NOT NULL,
    seats        int NOT NULL CHECK (seats > 0),
    PRIMARY KEY (election_no, party)
);

-- Forged messages on votes_topic that the count leaves out: a row a decision, and a row a message.
CREATE TABLE quarantines (
    quarantine_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    decided_by   text NOT NULL CHECK (decided_by ~ '\S'),
    reason       text NOT NULL CHECK (reason ~ '\S'),
    decided_at   timestamptz NOT NULL DEFAULT now()
);

-- A row a message, known by its place: a forged one can have the id of a stored ballot.
CREATE TABLE quarantined_messages (
    -- of the topic as it was created: one created again under the same name has other messages at these places
    topic_id     text NOT NULL,
    partition_no int NOT NULL CHECK (partition_no >= 0),
    offset_no    bigint NOT NULL CHECK (offset_no >= 0),
    quarantine_no bigint NOT NULL REFERENCES quarantines ON DELETE CASCADE,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    ballot_id    bytea NOT NULL CHECK (length(ballot_id) = 16),
    -- no ballot of that id is stored, or the stored one says something else
    found        text NOT NULL CHECK (found IN ('not stored', 'other content')),
    PRIMARY KEY (topic_id, partition_no, offset_no)
);

-- Numbers and names of what is gone. Ballots of these elections may still be on votes_topic; the count leaves them out.
CREATE TABLE removed_elections (
    election_no  int PRIMARY KEY,
    slug         text NOT NULL,
    removed_by   text NOT NULL CHECK (removed_by ~ '\S'),
    removed_at   timestamptz NOT NULL DEFAULT now()
);
