-- The tables of the first version.
-- Every key starts with the election, so that elections never mix.

CREATE TABLE elections (
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
    -- offsets by partition: where this election's records begin and end on a topic
    votes_from   jsonb NOT NULL,
    voters_from  jsonb,
    voters_to    jsonb
);

-- The ballot key of each election: whoever reads it can tell whose ballot is whose.
CREATE TABLE ballot_keys (
    election_no  int PRIMARY KEY REFERENCES elections ON DELETE CASCADE,
    key          bytea NOT NULL CHECK (length(key) = 32)
);

CREATE TABLE parties (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    abbreviation text NOT NULL,
    name         text NOT NULL,
    colour       text CHECK (colour ~ '^#[0-9a-fA-F]{6}$'),
    PRIMARY KEY (election_no, abbreviation)
);

CREATE TABLE contests (
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
    PRIMARY KEY (election_no, contest_no),
    UNIQUE (election_no, contest_id)
);

CREATE TABLE candidates (
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
    FOREIGN KEY (election_no, party_abbreviation) REFERENCES parties
);

CREATE TABLE locations (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    location_no  int NOT NULL,
    country      text NOT NULL,
    region       text NOT NULL,
    city         text NOT NULL,
    PRIMARY KEY (election_no, location_no),
    UNIQUE (election_no, country, region, city)
);

CREATE TABLE voters (
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
CREATE TABLE votes (
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
CREATE TABLE registered_counts (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    dimension    text NOT NULL CHECK (dimension IN ('contest', 'location', 'gender', 'age_group')),
    member       text NOT NULL,
    registered   bigint NOT NULL,
    PRIMARY KEY (election_no, dimension, member)
);

CREATE TABLE verdicts (
    verdict_no   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    given_at     timestamptz NOT NULL DEFAULT now(),
    ok           boolean NOT NULL,
    registered   bigint NOT NULL,
    stored       bigint NOT NULL,
    counted      bigint NOT NULL,
    rejected     bigint NOT NULL,
    differences  jsonb NOT NULL
);
