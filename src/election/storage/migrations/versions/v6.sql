-- What version 0.2 added as electoral systems: districts apart from contests, several votes a voter, rankings, outcomes.
-- An older election's contest becomes a district of the same number, with that one contest on its ballot paper.

CREATE TABLE districts (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    district_no  int NOT NULL,
    district_id  text NOT NULL,
    name         text NOT NULL,
    region       text NOT NULL,
    country      text NOT NULL,
    registered   bigint NOT NULL CHECK (registered > 0),
    -- the district's voters have the numbers first_voter_no … first_voter_no + registered - 1
    first_voter_no bigint NOT NULL,
    PRIMARY KEY (election_no, district_no),
    UNIQUE (election_no, district_id)
);
INSERT INTO districts
    SELECT election_no, contest_no, contest_id, name, region, country, registered, first_voter_no FROM contests;

-- contests.registered is the sum of the contest's districts.
ALTER TABLE contests
    DROP first_voter_no,
    ADD kind text NOT NULL DEFAULT 'candidates' CHECK (kind IN ('candidates', 'lists', 'ranking')),
    ADD seats int NOT NULL DEFAULT 1 CHECK (seats > 0);
-- Few or none, and asked for with every batch of votes.
CREATE INDEX contests_by_ranking ON contests (election_no, contest_no) WHERE kind = 'ranking';
ALTER TABLE candidates
    DROP CONSTRAINT candidates_kind_check,
    ADD CHECK (kind IN ('person', 'list', 'none-of-the-above', 'write-in'));

-- Which contests a district votes in, in the order of its ballot paper. A contest without a poll is on no paper.
CREATE TABLE papers (
    election_no  int NOT NULL,
    district_no  int NOT NULL,
    position     smallint NOT NULL CHECK (position > 0),
    contest_no   int NOT NULL,
    PRIMARY KEY (election_no, district_no, position),
    UNIQUE (election_no, district_no, contest_no),
    FOREIGN KEY (election_no, district_no) REFERENCES districts ON DELETE CASCADE,
    FOREIGN KEY (election_no, contest_no) REFERENCES contests ON DELETE CASCADE
);
INSERT INTO papers SELECT election_no, contest_no, 1, contest_no FROM contests WHERE NOT unopposed;

-- The official result of a replay, by district. candidate_no is null for invalid votes.
CREATE TABLE official_results (
    election_no  int NOT NULL,
    district_no  int NOT NULL,
    contest_no   int NOT NULL,
    candidate_no int,
    votes        bigint NOT NULL CHECK (votes >= 0),
    UNIQUE NULLS NOT DISTINCT (election_no, district_no, contest_no, candidate_no),
    FOREIGN KEY (election_no, district_no) REFERENCES districts ON DELETE CASCADE
);
INSERT INTO official_results
    SELECT election_no, contest_no, contest_no, candidate_no, official_votes FROM candidates
    WHERE official_votes IS NOT NULL
    UNION ALL
    SELECT election_no, contest_no, contest_no, NULL, official_invalid FROM contests
    WHERE official_invalid IS NOT NULL;
-- Official ballots by ranking: numbers of candidates, the most preferred first.
CREATE TABLE official_rankings (
    election_no  int NOT NULL,
    district_no  int NOT NULL,
    contest_no   int NOT NULL,
    ranking      int[] NOT NULL,
    votes        bigint NOT NULL CHECK (votes > 0),
    PRIMARY KEY (election_no, district_no, contest_no, ranking),
    FOREIGN KEY (election_no, district_no) REFERENCES districts ON DELETE CASCADE
);

ALTER TABLE voters DROP CONSTRAINT voters_election_no_contest_no_fkey;
ALTER TABLE voters RENAME contest_no TO district_no;
ALTER TABLE voters ADD FOREIGN KEY (election_no, district_no) REFERENCES districts ON DELETE CASCADE;
ALTER TABLE registered_counts DROP CONSTRAINT registered_counts_dimension_check;
ALTER TABLE registered_counts DISABLE TRIGGER USER;  -- of certified elections too
UPDATE registered_counts SET dimension = 'district' WHERE dimension = 'contest';
ALTER TABLE registered_counts ENABLE TRIGGER USER;
ALTER TABLE registered_counts ADD CHECK (dimension IN ('district', 'location', 'gender', 'age_group'));

-- One row a vote: one voter's choice in one contest. The primary key makes a second vote impossible. The trigger
-- vote_belongs (votes.sql) refuses every other vote that cannot be, for a third of the price of foreign keys.
-- candidate_no is null on an invalid vote. With a ranking it is the first preference.
ALTER TABLE votes
    DROP CONSTRAINT votes_election_no_voter_no_fkey,
    DROP CONSTRAINT votes_election_no_contest_no_candidate_no_fkey,
    DROP CONSTRAINT votes_pkey,
    ADD position smallint NOT NULL DEFAULT 1,
    ADD ranking int[],
    -- One dimension, from 1 on; a check whose result is null would let a row pass.
    ADD CHECK (ranking IS NULL OR (candidate_no IS NOT NULL AND coalesce(array_ndims(ranking), 0) = 1
        AND array_lower(ranking, 1) = 1 AND ranking[1] = candidate_no));
ALTER TABLE votes ALTER position DROP DEFAULT, ADD PRIMARY KEY (election_no, voter_no, position);

-- A lot of any system: which of those who were tied it chose. Keys are numbers of candidates, or parties' abbreviations
-- where no contest is named: then it decides seats of the whole election.
ALTER TABLE lots
    ADD step text NOT NULL DEFAULT 'seat' CHECK (step ~ '\S'),
    ADD tied jsonb,    -- null in lots of older versions
    ADD chosen jsonb,  -- of a single candidate: null, and candidate_no says which
    ALTER contest_no DROP NOT NULL,
    ALTER candidate_no DROP NOT NULL,
    ADD CHECK (num_nonnulls(candidate_no, chosen) > 0);

-- A list, or the winner of several electors, has several seats; district says where, if a contest's seats are divided.
ALTER TABLE certified_elected
    ADD seats int NOT NULL DEFAULT 1 CHECK (seats > 0),
    ADD district text NOT NULL DEFAULT '';
-- The whole outcome of a certified election as the verdict said it: stages, thresholds, winners without a seat.
CREATE TABLE certified_outcomes (
    election_no  int PRIMARY KEY REFERENCES elections ON DELETE CASCADE,
    outcome      jsonb NOT NULL
);

-- Certified votes by district, of contests in which voters of several districts choose; of any other contest the
-- certified totals are those of its one district. candidate_no is null for invalid votes.
CREATE TABLE certified_district_results (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    contest_no   int NOT NULL,
    district_no  int NOT NULL,
    candidate_no int,
    votes        bigint NOT NULL CHECK (votes >= 0),
    UNIQUE NULLS NOT DISTINCT (election_no, contest_no, district_no, candidate_no)
);

-- An entry has 34 bytes, and where voters of several districts choose in a contest or rank candidates, some more.
ALTER TABLE log_rounds
    DROP CONSTRAINT log_rounds_check1,
    ADD CHECK (length(entries) >= 34 * (size - first_entry) AND length(entries) % (size - first_entry) = 0);
