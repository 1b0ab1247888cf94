-- The log of an election's published ballots: rounds are only added, and a certification is bound to the last one.
-- Run by the owner after outcome.sql; safe to run again. Reasons: docs/decisions/0050-evidence.md.

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

-- Rows of the log and the journal cannot be changed or deleted, not even by the owner. Removing an election deletes its
-- rows.
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

-- Binds a certification to the last head. The log must have at least one entry for each stored ballot.
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

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'never_changed' AND tgrelid = 'log_cosignatures'::regclass) THEN
        CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON log_cosignatures
            FOR EACH ROW EXECUTE FUNCTION refuse_to_change_the_log();
        CREATE TRIGGER not_emptied BEFORE TRUNCATE ON log_cosignatures
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_a_record();
    END IF;
END $$;

REVOKE EXECUTE ON FUNCTION continue_the_log, bind_to_the_log, refuse_to_change_the_log FROM PUBLIC;

-- Each head with all its signatures.
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
