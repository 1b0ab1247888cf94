-- The log of an election's published ballots: rounds that are only added, and the certification bound to the last one.
-- Run by the owner after outcome.sql; safe to run again. Why it is done so: docs/decisions/0050-evidence.md.

-- A row a round. Entries of 34 bytes each; the frontier is the tree's state after them; the head is a signed checkpoint.
CREATE TABLE IF NOT EXISTS log_rounds (
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

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'certifications'::regclass AND attname = 'log_size') THEN
        -- of the last head; null if the election has no log
        ALTER TABLE certifications ADD log_size bigint, ADD log_root bytea;
    END IF;
    -- Random ids do not compress.
    IF (SELECT attstorage FROM pg_attribute WHERE attrelid = 'log_rounds'::regclass AND attname = 'entries') <> 'e' THEN
        ALTER TABLE log_rounds ALTER entries SET STORAGE EXTERNAL;
    END IF;
END $$;

-- A round begins where the last one ended.
CREATE OR REPLACE FUNCTION continue_the_log() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entries bigint := (SELECT coalesce(max(size), 0) FROM public.log_rounds WHERE election_no = NEW.election_no);
BEGIN
    IF NEW.first_entry <> entries THEN
        RAISE unique_violation USING
            MESSAGE = format('The log of election number %s has %s entries; a round that begins at entry %s does not'
                             ' continue it.', NEW.election_no, entries, NEW.first_entry),
            HINT = 'Another process sealed a round. Read the last round again and continue from there.';
    END IF;
    SELECT state INTO NEW.state FROM public.elections WHERE election_no = NEW.election_no;
    NEW.sealed_at := now();
    RETURN NEW;
END $$;

-- Nobody changes or takes away a row of the log or the journal, the owner included. They go with a removed election.
CREATE OR REPLACE FUNCTION refuse_to_change_the_log() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF NOT EXISTS (SELECT FROM public.elections WHERE election_no = OLD.election_no) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'Rows of % are only added.', TG_TABLE_NAME
        USING HINT = '`election seal SLUG` adds to them. They go with an election that is removed.';
END $$;

-- A certification rests on the last head. The log must hold at least one entry for each stored ballot.
CREATE OR REPLACE FUNCTION bind_to_the_log() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ballots bigint;
BEGIN
    NEW.log_size := NULL;
    NEW.log_root := NULL;
    IF NEW.decision <> 'certified' THEN
        RETURN NEW;
    END IF;
    SELECT size, root INTO NEW.log_size, NEW.log_root FROM public.log_rounds
        WHERE election_no = NEW.election_no ORDER BY first_entry DESC LIMIT 1;
    SELECT sum(valid + invalid) INTO ballots FROM public.certified_contests WHERE election_no = NEW.election_no;
    IF NEW.log_size < ballots THEN
        RAISE EXCEPTION '% cannot be certified: its log has % entries, and % ballots are stored.',
            (SELECT slug FROM public.elections WHERE election_no = NEW.election_no), NEW.log_size, ballots
            USING HINT = 'Seal what was published since with `election seal SLUG`, then decide again.';
    END IF;
    RETURN NEW;
END $$;

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'continues' AND tgrelid = 'log_rounds'::regclass) THEN
        CREATE TRIGGER continues BEFORE INSERT ON log_rounds FOR EACH ROW EXECUTE FUNCTION continue_the_log();
        CREATE TRIGGER certified_insert AFTER INSERT ON log_rounds REFERENCING NEW TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_what_is_certified();
        CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON log_rounds
            FOR EACH ROW EXECUTE FUNCTION refuse_to_change_the_log();
        CREATE TRIGGER not_emptied BEFORE TRUNCATE ON log_rounds
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_a_record();
    END IF;
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'binds' AND tgrelid = 'certifications'::regclass) THEN
        CREATE TRIGGER binds BEFORE INSERT ON certifications FOR EACH ROW EXECUTE FUNCTION bind_to_the_log();
    END IF;
END $$;

-- Finds the newest head, and is what a cosignature refers to.
CREATE UNIQUE INDEX IF NOT EXISTS log_rounds_by_size ON log_rounds (election_no, size);

-- Signatures under heads by keys that the platform does not have: signature lines of a signed note.
CREATE TABLE IF NOT EXISTS log_cosignatures (
    election_no  int NOT NULL,
    size         bigint NOT NULL,
    verifier_key text NOT NULL,
    line         text NOT NULL CHECK (line ~ '^\u2014 [^\s+]+ [A-Za-z0-9+/]+=*\n$'),
    cosigned_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (election_no, size, verifier_key),
    FOREIGN KEY (election_no, size) REFERENCES log_rounds (election_no, size) ON DELETE CASCADE
);

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'never_changed' AND tgrelid = 'log_cosignatures'::regclass) THEN
        CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON log_cosignatures
            FOR EACH ROW EXECUTE FUNCTION refuse_to_change_the_log();
        CREATE TRIGGER not_emptied BEFORE TRUNCATE ON log_cosignatures
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_a_record();
    END IF;
END $$;

-- Each head with all signatures under it.
CREATE OR REPLACE VIEW public_log_heads AS
    SELECT election_no, size, root,
           head || coalesce((SELECT string_agg(line, '' ORDER BY verifier_key) FROM log_cosignatures c
                             WHERE c.election_no = r.election_no AND c.size = r.size), '') AS head,
           verifier_key, sealed_at, state
    FROM log_rounds r;

GRANT SELECT ON log_rounds TO election_auditor, election_reader;
GRANT INSERT ON log_rounds TO election_auditor;
GRANT SELECT ON log_cosignatures TO election_reader;
GRANT SELECT, INSERT ON log_cosignatures TO election_auditor;
GRANT SELECT ON public_log_heads TO election_auditor, election_reader, election_dashboard, election_results_feed;
