-- The journal of an election: its verdicts, decisions and rejected records, each chained to all earlier ones.
-- Run by the owner after evidence.sql; safe to run again. Reasons: docs/decisions/0050-evidence.md.

CREATE OR REPLACE FUNCTION continue_the_rejections() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last public.rejection_rounds;
BEGIN
    SELECT * INTO last FROM public.rejection_rounds WHERE election_no = NEW.election_no ORDER BY round_no DESC LIMIT 1;
    IF NEW.round_no <> coalesce(last.round_no, 0) + 1
        OR (last.topic_id = NEW.topic_id AND NOT NEW.offsets_from @> last.offsets_to) THEN
        RAISE unique_violation USING
            MESSAGE = format('Election number %s has %s rounds of rejected records; this one does not continue them.',
                             NEW.election_no, coalesce(last.round_no, 0)),
            HINT = 'Another process sealed a round. Read the last round again and continue from there.';
    END IF;
    NEW.sealed_at := now();
    RETURN NEW;
END $$;

-- Returns the verdict on which a certified election's documents rest: its newest recount, or the certified verdict.
CREATE OR REPLACE FUNCTION documented_verdict(the_election int) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(
        (SELECT max(verdict_no) FROM public.verdicts WHERE election_no = the_election AND kind = 'recount'), verdict_no)
    FROM public.certifications WHERE election_no = the_election AND decision = 'certified';
$$;

CREATE OR REPLACE FUNCTION document_what_is_certified() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF public.documented_verdict(NEW.election_no) IS DISTINCT FROM NEW.verdict_no THEN
        RAISE EXCEPTION 'Documents of election number % rest on verdict %, not on verdict %.', NEW.election_no,
            coalesce(public.documented_verdict(NEW.election_no)::text, 'none: it is not certified'), NEW.verdict_no
            USING HINT = 'Write the document again, then record it.';
    END IF;
    NEW.made_at := now();
    RETURN NEW;
END $$;

-- Appends a row to its election's journal. It waits until an earlier transaction that appended to it has ended.
CREATE OR REPLACE FUNCTION append_to_the_journal(the_election int, place text, inserted jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    line text := jsonb_build_object('table', place, 'row', inserted);
    last public.journal;
BEGIN
    PERFORM pg_advisory_xact_lock(2, the_election);
    SELECT * INTO last FROM public.journal WHERE election_no = the_election ORDER BY entry_no DESC LIMIT 1;
    INSERT INTO public.journal (election_no, entry_no, entry, hash) VALUES (
        the_election, coalesce(last.entry_no, 0) + 1, line,
        sha256(coalesce(last.hash, decode(repeat('00', 32), 'hex')) || convert_to(line, 'UTF8')));
END $$;

-- The trigger of every journaled table. It leaves out the long digests of rejected records; their own digest is in.
-- Rows of an audit have no election number of their own.
CREATE OR REPLACE FUNCTION note_in_the_journal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' SET bytea_output = 'hex' AS $$
DECLARE
    inserted jsonb := to_jsonb(NEW) - 'digests';
    the_election int := inserted ->> 'election_no';
BEGIN
    IF the_election IS NULL THEN
        SELECT election_no INTO STRICT the_election FROM public.audits
            WHERE audit_no = (inserted ->> 'audit_no')::bigint;
    END IF;
    PERFORM public.append_to_the_journal(the_election, TG_TABLE_NAME, inserted);
    RETURN NULL;
END $$;

REVOKE EXECUTE ON FUNCTION append_to_the_journal, note_in_the_journal, continue_the_rejections,
    document_what_is_certified FROM PUBLIC;

DO $$
DECLARE
    place text;
    is_new boolean := NOT EXISTS (SELECT FROM pg_trigger
                                  WHERE tgname = 'journaled' AND tgrelid = 'verdicts'::regclass);
    older record;
BEGIN
    FOREACH place IN ARRAY ARRAY['journal', 'journal_heads', 'rejection_rounds', 'certified_documents'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgname = 'never_changed' AND tgrelid = place::regclass);
        EXECUTE format('CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION refuse_to_change_the_log()', place);
        EXECUTE format('CREATE TRIGGER not_emptied BEFORE TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_a_record()', place);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'continues' AND tgrelid = 'rejection_rounds'::regclass) THEN
        CREATE TRIGGER continues BEFORE INSERT ON rejection_rounds
            FOR EACH ROW EXECUTE FUNCTION continue_the_rejections();
        CREATE TRIGGER rests_on_a_verdict BEFORE INSERT ON certified_documents
            FOR EACH ROW EXECUTE FUNCTION document_what_is_certified();
    END IF;
    FOREACH place IN ARRAY ARRAY['verdicts', 'certifications', 'lots', 'quarantines', 'quarantined_messages',
                                 'rejection_rounds', 'certified_documents', 'audits', 'audit_digits', 'audit_risks',
                                 'audit_hand_counts', 'audit_signatures'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgname = 'journaled' AND tgrelid = place::regclass);
        EXECUTE format('CREATE TRIGGER journaled AFTER INSERT ON %I
                        FOR EACH ROW EXECUTE FUNCTION note_in_the_journal()', place);
    END LOOP;
    IF NOT is_new THEN
        RETURN;
    END IF;
    -- Appends what an older version recorded, in the order of time.
    SET LOCAL timezone = 'UTC';
    SET LOCAL bytea_output = 'hex';
    FOR older IN
        SELECT election_no, given_at AS at, 'verdicts' AS place, verdict_no AS number, to_jsonb(v) AS found
        FROM verdicts AS v
        UNION ALL SELECT election_no, decided_at, 'certifications', certification_no, to_jsonb(c)
        FROM certifications AS c
        UNION ALL SELECT election_no, recorded_at, 'lots', lot_no, to_jsonb(l) FROM lots AS l
        UNION ALL SELECT election_no, decided_at, 'quarantines', quarantine_no, to_jsonb(q) FROM quarantines AS q
        UNION ALL SELECT m.election_no, decided_at, 'quarantined_messages', offset_no, to_jsonb(m)
        FROM quarantined_messages AS m JOIN quarantines USING (quarantine_no)
        ORDER BY at, place DESC, number
    LOOP
        PERFORM append_to_the_journal(older.election_no, older.place, older.found);
    END LOOP;
    RESET timezone;
    RESET bytea_output;
END $$;

CREATE OR REPLACE VIEW public_journal_heads AS
    SELECT election_no, size, hash, head, verifier_key, sealed_at FROM journal_heads;

-- Only documents that rest on the current verdict.
CREATE OR REPLACE VIEW public_certified_documents AS
    SELECT election_no, format, verdict_no, sha256, made_at FROM certified_documents
    WHERE verdict_no = documented_verdict(election_no);

GRANT SELECT ON journal, journal_heads, rejection_rounds, certified_documents TO election_auditor, election_reader;
GRANT INSERT ON journal_heads, rejection_rounds, certified_documents TO election_auditor;
GRANT SELECT ON public_journal_heads, public_certified_documents
    TO election_auditor, election_reader, election_dashboard, election_results_feed;
