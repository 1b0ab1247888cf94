-- Decisions on elections, certified results, and the triggers that protect both from change.
-- Run by the owner after views.sql; safe to run again. Reasons: docs/decisions/0020-certification.md and
-- docs/decisions/0021-who-decides.md.

-- An election passes through its states in one direction. Only a decision makes it certified or refused.
CREATE OR REPLACE FUNCTION election_goes_its_way() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'registered' THEN
            RAISE EXCEPTION 'Election % cannot begin as %.', NEW.slug, NEW.state
                USING HINT = 'An election begins as registered.';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state = 'certified' THEN
        -- votes_from, the offsets of its first ballots, may change: it depends on the topic, which may be recreated.
        IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'votes_from' = to_jsonb(OLD) - 'votes_from' THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'Election % is certified: it can no longer change.', OLD.slug
            USING HINT = 'A certified election stays as it is; register another one under another slug.';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    IF NEW.state = OLD.state AND NEW.decided_at IS NOT DISTINCT FROM OLD.decided_at THEN
        RETURN NEW;
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('registered', 'open'), ('open', 'closed'), ('closed', 'counted'),
        ('counted', 'certified'), ('counted', 'refused'), ('refused', 'certified')
    ) THEN
        RAISE EXCEPTION 'Election % is % and cannot become %.', NEW.slug, OLD.state, NEW.state
            USING HINT = 'The order is registered, open, closed, counted, then certified or refused.';
    END IF;
    -- In a session of another role, the current user is the owner only inside the functions below.
    IF (NEW.state IN ('certified', 'refused') OR NEW.decided_at IS NOT NULL)
        AND current_user <> (SELECT relowner::regrole::text FROM pg_class WHERE oid = TG_RELID) THEN
        RAISE EXCEPTION 'Election % becomes % by a decision only.', NEW.slug, NEW.state
            USING HINT = 'Call certify(slug, by, reason, verdict_no) or refuse(slug, by, reason, verdict_no).';
    END IF;
    RETURN NEW;
END $$;

-- Refuses changes to rows of a certified election. It checks each election once a statement, not each row, under the
-- advisory lock under which an election changes its state (storage/elections.py, _STATE_LOCK).
CREATE OR REPLACE FUNCTION refuse_what_is_certified() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    touched int[];
    one int;
    now_is record;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT array_agg(election_no) INTO touched
        FROM (SELECT election_no FROM changed UNION SELECT election_no FROM became) AS found;
    ELSE
        SELECT array_agg(election_no) INTO touched FROM (SELECT election_no FROM changed GROUP BY 1) AS found;
    END IF;
    FOREACH one IN ARRAY coalesce(touched, '{}') LOOP
        PERFORM pg_advisory_xact_lock_shared(1, one);
        -- FOR SHARE makes a transaction with an older snapshot fail; without it, the transaction would miss the
        -- certification.
        SELECT slug, state INTO now_is FROM public.elections WHERE election_no = one FOR SHARE;
        IF now_is.state = 'certified' THEN
            RAISE EXCEPTION 'Election % is certified: its rows in % can no longer change.', now_is.slug, TG_TABLE_NAME
                USING HINT = 'A certified election stays as it is; register another one under another slug.';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- Verdicts, decisions and the elections of runs are only added. TRUNCATE would also delete those of certified ones.
CREATE OR REPLACE FUNCTION refuse_to_change_a_record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        IF EXISTS (SELECT FROM public.elections WHERE state = 'certified') THEN
            RAISE EXCEPTION 'There are certified elections: % cannot be emptied.', TG_TABLE_NAME;
        END IF;
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' AND NOT EXISTS (
        SELECT FROM public.elections WHERE election_no = OLD.election_no AND state = 'certified'
    ) THEN
        RETURN OLD;  -- deleted together with its election
    END IF;
    RAISE EXCEPTION '% are never changed: election number %.', initcap(TG_TABLE_NAME), OLD.election_no
        USING HINT = 'Add another one.';
END $$;

CREATE OR REPLACE FUNCTION decided(the_election int, the_decision text, by text, reason text, verdict bigint)
RETURNS timestamptz LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.certifications (election_no, decision, decided_by, reason, verdict_no)
    VALUES (the_election, the_decision, by, reason, verdict);
    UPDATE public.elections SET state = the_decision, decided_at = now() WHERE election_no = the_election
    RETURNING decided_at;
$$;

-- Raises unless that person is a decider. Every function that carries out a person's decision calls it.
CREATE OR REPLACE FUNCTION require_decider(by text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.deciders WHERE name = by) THEN
        RAISE EXCEPTION '% may not decide. These may: %.', coalesce(by, 'An unnamed person'),
            coalesce((SELECT string_agg(name, ', ' ORDER BY name) FROM public.deciders), 'none yet')
            USING HINT = 'The setting ELECTION_CERTIFIERS names them; `election up` applies it.';
    END IF;
END $$;

-- Returns the election and locks it until this transaction ends. Raises if it cannot be decided upon. A decision is
-- about one verdict, which must still be the newest; null if there is none.
CREATE OR REPLACE FUNCTION up_for_decision(the_slug text, by text, reason text, the_verdict bigint)
RETURNS public.elections LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    poll public.elections;
    newest bigint;
BEGIN
    IF coalesce(by, '') !~ '\S' OR coalesce(reason, '') !~ '\S' THEN
        RAISE EXCEPTION 'A decision on % needs who decides and a reason; neither may be empty.', the_slug;
    END IF;
    PERFORM public.require_decider(by);
    -- An older snapshot could miss ballots that were stored since.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'Decide on % in a transaction that is READ COMMITTED.', the_slug;
    END IF;
    PERFORM pg_advisory_xact_lock(1, election_no) FROM public.elections WHERE slug = the_slug;
    SELECT * INTO poll FROM public.elections WHERE slug = the_slug FOR UPDATE;
    IF poll.election_no IS NULL THEN
        RAISE EXCEPTION 'There is no election %.', the_slug;
    ELSIF poll.state = 'certified' THEN
        RAISE EXCEPTION '% is certified already.', the_slug;
    ELSIF poll.state NOT IN ('counted', 'refused') THEN
        RAISE EXCEPTION '% is %: only a counted election can be decided upon.', the_slug, poll.state
            USING HINT = 'Run the count and the reconciliation first.';
    END IF;
    SELECT max(verdict_no) INTO newest FROM public.verdicts WHERE election_no = poll.election_no;
    IF newest IS DISTINCT FROM the_verdict THEN
        RAISE EXCEPTION 'The newest verdict on % is number %; the decision is about number %.',
            the_slug, coalesce(newest::text, 'none'), coalesce(the_verdict::text, 'none')
            USING HINT = 'Nothing was decided. Read the newest verdict, then decide on that one.';
    END IF;
    RETURN poll;
END $$;

-- Certifies and freezes the result. The newest verdict must be ok and about exactly the stored ballots.
CREATE OR REPLACE FUNCTION certify(the_slug text, by text, reason text, the_verdict bigint) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- as in read_whole_elections: a young election may have no statistics yet
AS $$
DECLARE
    poll public.elections := public.up_for_decision(the_slug, by, reason, the_verdict);
    verdict public.verdicts;
    again text := format('Reconcile %s again: clear reconciliation.reconcile in its run.', the_slug);
    ballots bigint;
BEGIN
    SELECT * INTO verdict FROM public.verdicts WHERE verdict_no = the_verdict;
    IF verdict.verdict_no IS NULL THEN
        RAISE EXCEPTION '% cannot be certified: there is no verdict on it.', the_slug USING HINT = again;
    ELSIF NOT verdict.ok THEN
        RAISE EXCEPTION '% cannot be certified: the verdict of % is not ok, with % difference(s).',
            the_slug, verdict.given_at, jsonb_array_length(verdict.differences) USING HINT = again;
    END IF;
    INSERT INTO public.certified_results (election_no, contest_no, candidate_no, candidate, party, votes)
        SELECT election_no, contest_no, candidate_no, btrim(given_name || ' ' || family_name), party_abbreviation,
               coalesce(votes, 0)
        FROM public.candidates LEFT JOIN (
            SELECT contest_no, candidate_no, count(*) AS votes FROM public.votes
            WHERE election_no = poll.election_no AND candidate_no IS NOT NULL GROUP BY 1, 2
        ) AS counted USING (contest_no, candidate_no)
        WHERE election_no = poll.election_no;
    INSERT INTO public.certified_contests (election_no, contest_no, contest_id, name, registered, valid, invalid)
        SELECT election_no, contest_no, contest_id, name, registered, coalesce(valid, 0), coalesce(invalid, 0)
        FROM public.contests LEFT JOIN (
            SELECT contest_no, count(candidate_no) AS valid, count(*) - count(candidate_no) AS invalid
            FROM public.votes WHERE election_no = poll.election_no GROUP BY 1
        ) AS counted USING (contest_no)
        WHERE election_no = poll.election_no;
    SELECT sum(valid + invalid) INTO ballots FROM public.certified_contests WHERE election_no = poll.election_no;
    -- Numbers are compared, not times: a worker's clock may be fast, and this one may have been set back. Ballots are
    -- only added, so equal numbers mean the same ballots.
    IF (verdict.stored, verdict.counted) <> (ballots, ballots) THEN
        RAISE EXCEPTION '% cannot be certified: the verdict of % is about % stored and % counted ballots, and % are'
            ' stored now.', the_slug, verdict.given_at, verdict.stored, verdict.counted, ballots USING HINT = again;
    ELSIF coalesce(verdict.state NOT IN ('counted', 'refused'), verdict.given_at <= poll.counted_at) THEN
        RAISE EXCEPTION '% cannot be certified: the verdict of % was given before the count was over.',
            the_slug, verdict.given_at USING HINT = again;
    END IF;
    PERFORM public.freeze_districts(poll.election_no);
    PERFORM public.freeze_outcome(poll.election_no, the_slug, verdict);
    RETURN public.decided(poll.election_no, 'certified', by, reason, verdict.verdict_no);
END $$;

-- Refuses, with any verdict or without one. The election can still be fixed, reconciled and certified.
CREATE OR REPLACE FUNCTION refuse(the_slug text, by text, reason text, the_verdict bigint) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    poll public.elections := public.up_for_decision(the_slug, by, reason, the_verdict);
BEGIN
    RETURN public.decided(poll.election_no, 'refused', by, reason, the_verdict);
END $$;

-- Nor does a login attach a rule of the owner's to a table of its own.
REVOKE EXECUTE ON FUNCTION certify, refuse, decided, up_for_decision, require_decider, refuse_what_is_certified,
    refuse_to_change_a_record FROM PUBLIC;
GRANT EXECUTE ON FUNCTION certify, refuse TO election_app;

-- A verdict records the election's state. Its time cannot show what it is about, because clocks may be wrong.
CREATE OR REPLACE FUNCTION note_the_state() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT state INTO NEW.state FROM public.elections WHERE election_no = NEW.election_no;
    RETURN NEW;
END $$;

-- Triggers are created once: CREATE TRIGGER waits for every writer of the table, and blocks the others meanwhile. Their
-- functions, above, are replaced each time.
DO $$
DECLARE
    place text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'goes_its_way' AND tgrelid = 'elections'::regclass) THEN
        CREATE TRIGGER goes_its_way BEFORE INSERT OR UPDATE OR DELETE ON elections
            FOR EACH ROW EXECUTE FUNCTION election_goes_its_way();
    END IF;
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'notes_the_state' AND tgrelid = 'verdicts'::regclass) THEN
        CREATE TRIGGER notes_the_state BEFORE INSERT ON verdicts FOR EACH ROW EXECUTE FUNCTION note_the_state();
    END IF;
    FOREACH place IN ARRAY ARRAY['ballot_keys', 'parties', 'districts', 'contests', 'papers', 'candidates',
                                 'official_results', 'official_rankings', 'locations', 'voters', 'votes',
                                 'registered_counts', 'certified_contests', 'certified_results',
                                 'certified_district_results'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgname = 'certified_insert' AND tgrelid = place::regclass);
        EXECUTE format('CREATE TRIGGER certified_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS changed
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_what_is_certified()', place);
        EXECUTE format('CREATE TRIGGER certified_update AFTER UPDATE ON %I
                        REFERENCING OLD TABLE AS changed NEW TABLE AS became
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_what_is_certified()', place);
        EXECUTE format('CREATE TRIGGER certified_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS changed
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_what_is_certified()', place);
    END LOOP;
    FOREACH place IN ARRAY ARRAY['verdicts', 'certifications', 'runs'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgname = 'never_changed' AND tgrelid = place::regclass);
        EXECUTE format('CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION refuse_to_change_a_record()', place);
    END LOOP;
    FOREACH place IN ARRAY ARRAY['elections', 'ballot_keys', 'parties', 'districts', 'contests', 'papers', 'candidates',
                                 'official_results', 'official_rankings', 'locations', 'voters', 'votes',
                                 'registered_counts', 'certified_contests', 'certified_results',
                                 'certified_district_results', 'verdicts', 'certifications', 'runs'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgname = 'not_emptied' AND tgrelid = place::regclass);
        EXECUTE format('CREATE TRIGGER not_emptied BEFORE TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_a_record()', place);
    END LOOP;
END $$;

CREATE OR REPLACE VIEW public_certifications AS
    SELECT election_no, certification_no, decision, decided_by, reason, decided_at, verdict_no FROM certifications;
CREATE OR REPLACE VIEW public_certified_contests AS
    SELECT election_no, contest_no, contest_id, name, registered, valid, invalid, turnout FROM certified_contests;
CREATE OR REPLACE VIEW public_certified_results AS
    SELECT election_no, contest_no, candidate_no, candidate, party, votes FROM certified_results;

GRANT SELECT ON deciders, certifications, certified_contests, certified_results
    TO election_app, election_auditor, election_reader;
GRANT SELECT ON public_certifications, public_certified_contests, public_certified_results
    TO election_auditor, election_reader, election_dashboard, election_results_feed;
