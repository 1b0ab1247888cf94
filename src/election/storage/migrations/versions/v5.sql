-- What version 0.2 added as evidence: the log of published ballots, the journal of decisions, audits.

-- A row a round. Entries of 34 bytes each; the frontier is the tree's state after them; the head is a signed checkpoint.
CREATE TABLE log_rounds (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    first_entry  bigint NOT NULL CHECK (first_entry >= 0),
    -- of the log after this round
    size         bigint NOT NULL CHECK (size > first_entry),
    root         bytea NOT NULL CHECK (length(root) = 32),
    head         text NOT NULL,
    verifier_key text NOT NULL,
    -- which messages of votes_topic the round covers, by partition; a topic that was created again has another id
    topic_id     text NOT NULL,
    offsets_from jsonb NOT NULL,
    offsets_to   jsonb NOT NULL,
    frontier     bytea NOT NULL,
    entries      bytea NOT NULL,
    sealed_at    timestamptz NOT NULL DEFAULT now(),
    -- the election's when the round was sealed, by the trigger below
    state        text NOT NULL,
    -- two rounds cannot begin at the same entry: the log has one continuation
    PRIMARY KEY (election_no, first_entry),
    CHECK (length(entries) = 34 * (size - first_entry)),
    CHECK (length(frontier) = 32 * bit_count(int8send(size)))
);

-- Of the last head; null if the election has no log.
ALTER TABLE certifications ADD log_size bigint, ADD log_root bytea;
-- Random ids do not compress.
ALTER TABLE log_rounds ALTER entries SET STORAGE EXTERNAL;

-- Finds the newest head, and is what a cosignature refers to.
CREATE UNIQUE INDEX log_rounds_by_size ON log_rounds (election_no, size);

-- Signatures under heads by keys that the platform does not have: signature lines of a signed note.
CREATE TABLE log_cosignatures (
    election_no  int NOT NULL,
    size         bigint NOT NULL,
    verifier_key text NOT NULL,
    line         text NOT NULL CHECK (line ~ '^\u2014 [^\s+]+ [A-Za-z0-9+/]+=*\n$'),
    cosigned_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (election_no, size, verifier_key),
    FOREIGN KEY (election_no, size) REFERENCES log_rounds (election_no, size) ON DELETE CASCADE
);

-- An entry is the row that was inserted, as one line of JSON: {"row": {COLUMN: VALUE, ...}, "table": TABLE}, times in UTC.
-- Its hash is SHA-256 of the hash before it, 32 bytes (zeros before the first), followed by the line in UTF-8.
CREATE TABLE journal (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    entry_no     int NOT NULL CHECK (entry_no > 0),
    entry        text NOT NULL CHECK (entry !~ '\n'),
    hash         bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (election_no, entry_no)
);

-- Signed notes in the form of a checkpoint: entries, and the hash of the last one.
CREATE TABLE journal_heads (
    election_no  int NOT NULL,
    size         int NOT NULL,
    hash         bytea NOT NULL CHECK (length(hash) = 32),
    head         text NOT NULL,
    verifier_key text NOT NULL,
    sealed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (election_no, size),
    FOREIGN KEY (election_no, size) REFERENCES journal (election_no, entry_no) ON DELETE CASCADE
);

-- What rejected_topic held of the election, from offsets to before others, by partition. 76 bytes a record, big endian:
-- partition 4, offset 8, SHA-256 of its key, SHA-256 of its value (zeros: the record under this key was taken back).
CREATE TABLE rejection_rounds (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    round_no     int NOT NULL CHECK (round_no > 0),
    topic_id     text NOT NULL,
    offsets_from jsonb NOT NULL,
    offsets_to   jsonb NOT NULL,
    records      int NOT NULL CHECK (records > 0),
    digests      bytea NOT NULL,
    digest       bytea NOT NULL GENERATED ALWAYS AS (sha256(digests)) STORED,
    sealed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (election_no, round_no),
    CHECK (length(digests) = 76 * records)
);

-- SHA-256 of the documents that state a certified result: a row a format and a verdict, that of the certification or of a
-- recount. The document is written from the frozen rows, so it can only be made once they are frozen.
CREATE TABLE certified_documents (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    format       text NOT NULL CHECK (format IN ('nist-json', 'nist-xml')),
    verdict_no   bigint NOT NULL REFERENCES verdicts ON DELETE CASCADE,
    sha256       bytea NOT NULL CHECK (length(sha256) = 32),
    made_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (election_no, format, verdict_no)
);

CREATE SCHEMA box;

-- The manifest: papers by box. Positions in a box begin at 1. The imprint on a paper is its ballot id, 16 bytes each.
CREATE TABLE boxes (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    box_no       int NOT NULL CHECK (box_no > 0),
    contest_no   int NOT NULL,
    location_no  int NOT NULL,
    papers       int NOT NULL CHECK (papers > 0),
    imprints     bytea NOT NULL,
    PRIMARY KEY (election_no, box_no),
    CHECK (length(imprints) = 16 * papers)
);
-- What each paper says, 4 bytes each: a candidate's number, 0 if invalid, -1 if it is lost.
CREATE TABLE box.papers (
    election_no  int NOT NULL,
    box_no       int NOT NULL,
    says         bytea NOT NULL,
    PRIMARY KEY (election_no, box_no),
    FOREIGN KEY (election_no, box_no) REFERENCES boxes ON DELETE CASCADE
);
-- The boxes of an election are closed: no paper comes after this. Faults were planted for the trainees to find.
CREATE TABLE box.closed (
    election_no  int PRIMARY KEY REFERENCES elections ON DELETE CASCADE,
    laid_by      text NOT NULL CHECK (laid_by ~ '\S'),
    faults       jsonb NOT NULL,
    closed_at    timestamptz NOT NULL DEFAULT now()
);

-- An audit rests on a count that was committed before the seed was known.
CREATE TABLE audits (
    audit_no     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    method       text NOT NULL CHECK (method IN ('comparison', 'polling')),
    risk_limit   double precision NOT NULL CHECK (risk_limit > 0 AND risk_limit < 1),
    -- the last head of the log then, by the trigger below
    log_size     bigint NOT NULL,
    log_root     bytea NOT NULL,
    -- of the manifest with its imprints (election.audit.box)
    manifest     text NOT NULL CHECK (manifest ~ '^[0-9a-f]{64}$'),
    committed_by text NOT NULL CHECK (committed_by ~ '\S'),
    committed_at timestamptz NOT NULL DEFAULT now()
);
-- Throws of a ten-sided die, in the order in which they were typed.
CREATE TABLE audit_digits (
    audit_no     bigint NOT NULL REFERENCES audits ON DELETE CASCADE,
    part_no      int NOT NULL,
    digits       text NOT NULL CHECK (digits ~ '^[0-9]{1,10}$'),
    typed_by     text NOT NULL CHECK (typed_by ~ '\S'),
    typed_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audit_no, part_no)
);
CREATE TABLE audit_rounds (
    audit_no     bigint NOT NULL REFERENCES audits ON DELETE CASCADE,
    round_no     int NOT NULL,
    drawn_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audit_no, round_no)
);
-- Draws of a contest from 1; a paper may be drawn again. A box of number 0 stands for papers that the count has and the
-- manifest does not.
CREATE TABLE audit_draws (
    audit_no     bigint NOT NULL,
    contest_no   int NOT NULL,
    draw_no      int NOT NULL CHECK (draw_no > 0),
    round_no     int NOT NULL,
    box_no       int NOT NULL,
    position     int NOT NULL CHECK (position > 0),
    ticket       text NOT NULL,
    PRIMARY KEY (audit_no, contest_no, draw_no),
    FOREIGN KEY (audit_no, round_no) REFERENCES audit_rounds ON DELETE CASCADE
);
CREATE INDEX audit_draws_by_paper ON audit_draws (audit_no, box_no, position);
-- What a person read on a paper: a candidate's number, 0 if invalid, -1 if there is no such paper.
CREATE TABLE audit_entries (
    audit_no     bigint NOT NULL REFERENCES audits ON DELETE CASCADE,
    box_no       int NOT NULL,
    position     int NOT NULL,
    entered_by   text NOT NULL CHECK (entered_by ~ '\S'),
    reading      int NOT NULL CHECK (reading >= -1),
    entered_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audit_no, box_no, position, entered_by)
);
-- What a round found in a contest, and what follows from it. Round 0: a contest that no sample can confirm.
CREATE TABLE audit_risks (
    audit_no     bigint NOT NULL REFERENCES audits ON DELETE CASCADE,
    round_no     int NOT NULL CHECK (round_no >= 0),
    contest_no   int NOT NULL,
    drawn        int NOT NULL,
    one_over     int NOT NULL,
    two_over     int NOT NULL,
    one_under    int NOT NULL,
    two_under    int NOT NULL,
    risk         double precision NOT NULL CHECK (risk >= 0 AND risk <= 1),
    follows      text NOT NULL CHECK (follows IN ('confirmed', 'another round', 'hand count')),
    -- draws of the contest in all after the next round
    next_size    int,
    PRIMARY KEY (audit_no, contest_no, round_no),
    CHECK ((follows = 'another round') = (next_size IS NOT NULL))
);
-- All papers of a contest counted by hand: by candidate, 0 the invalid ones, -1 those that were not there.
CREATE TABLE audit_hand_counts (
    audit_no     bigint NOT NULL REFERENCES audits ON DELETE CASCADE,
    contest_no   int NOT NULL,
    candidate_no int NOT NULL,
    papers       bigint NOT NULL,
    counted_by   text NOT NULL CHECK (counted_by ~ '\S'),
    counted_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audit_no, contest_no, candidate_no)
);
CREATE TABLE audit_signatures (
    audit_no     bigint PRIMARY KEY REFERENCES audits ON DELETE CASCADE,
    signed_by    text NOT NULL CHECK (signed_by ~ '\S'),
    reason       text NOT NULL CHECK (reason ~ '\S'),
    signed_at    timestamptz NOT NULL DEFAULT now()
);

-- So that one paper can be read without its whole box; imprints do not compress.
ALTER TABLE box.papers ALTER says SET STORAGE EXTERNAL;
ALTER TABLE boxes ALTER imprints SET STORAGE EXTERNAL;
