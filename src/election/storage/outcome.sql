-- The outcome: the lots that settle ties, and the outcome that a certification freezes.
-- Run by the owner after certified_districts.sql; safe to run again. Reasons: docs/decisions/0040-outcome.md.

-- Records a lot. Only a decider may do so, and only for a tie that the newest verdict names: the contest (null: the whole
-- election), the step, and which of those who are tied it chose.
DROP FUNCTION IF EXISTS record_lot(text, int, int, text, text);
CREATE OR REPLACE FUNCTION record_lot(the_slug text, the_contest int, the_step text, the_chosen jsonb, by text, reason text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    newest bigint := (
        SELECT max(verdict_no) FROM public.verdicts JOIN public.elections USING (election_no) WHERE slug = the_slug);
    poll public.elections := public.up_for_decision(the_slug, by, reason, newest);
    tie jsonb := (
        SELECT known FROM public.verdicts, jsonb_array_elements(outcome -> 'ties') AS known
        WHERE verdict_no = newest AND known -> 'contest' = coalesce(to_jsonb(the_contest), 'null')
          AND known ->> 'step' = the_step);
    made bigint;
BEGIN
    IF tie IS NULL OR NOT tie -> 'between' @> the_chosen
        OR (tie ->> 'chosen')::int <> (SELECT count(DISTINCT one) FROM jsonb_array_elements(the_chosen) AS one) THEN
        RAISE EXCEPTION 'The newest verdict on % has no tie (%) in % with %.', the_slug, the_step,
            coalesce('contest ' || the_contest, 'the whole election'), the_chosen
            USING HINT = 'A lot settles only a tie at the end of the count, once it was reconciled.';
    END IF;
    INSERT INTO public.lots (election_no, contest_no, candidate_no, step, tied, chosen, recorded_by, reason, verdict_no)
    VALUES (poll.election_no, the_contest,
            CASE WHEN the_contest IS NOT NULL AND jsonb_array_length(the_chosen) = 1 THEN (the_chosen ->> 0)::int END,
            the_step, tie -> 'between', the_chosen, by, reason, newest) RETURNING lot_no INTO made;
    RETURN made;
END $$;

-- Freezes the verdict's outcome. Raises unless the outcome covers every contest, leaves no tie open, includes every
-- recorded lot, and has the same votes as the frozen result.
CREATE OR REPLACE FUNCTION freeze_outcome(the_election int, the_slug text, verdict public.verdicts) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    again text := format('Reconcile %s again: clear reconciliation.reconcile in its run.', the_slug);
    tied text;
BEGIN
    IF verdict.outcome IS NULL OR NOT verdict.outcome ? 'ties' OR jsonb_array_length(verdict.outcome -> 'contests')
        <> (SELECT count(*) FROM public.contests WHERE election_no = the_election) THEN
        RAISE EXCEPTION '% cannot be certified: the verdict of % does not say who is elected in every contest.',
            the_slug, verdict.given_at USING HINT = again;
    END IF;
    IF EXISTS (SELECT FROM public.lots WHERE election_no = the_election AND lots.verdict_no >= verdict.verdict_no) THEN
        RAISE EXCEPTION '% cannot be certified: a lot was recorded after the verdict of %.', the_slug, verdict.given_at
            USING HINT = again;
    END IF;
    SELECT string_agg(name, ', ' ORDER BY contest_no) INTO tied
    FROM jsonb_array_elements(verdict.outcome -> 'contests') AS contest
    JOIN public.contests ON election_no = the_election AND contest_no = (contest ->> 'contest')::int
    WHERE (contest ->> 'undecided')::boolean;
    IF tied IS NULL AND jsonb_array_length(verdict.outcome -> 'ties') > 0 THEN
        tied := 'the whole election';
    END IF;
    IF tied IS NOT NULL THEN
        RAISE EXCEPTION '% cannot be certified: there is a tie in %.', the_slug, tied
            USING HINT = format('Draw the lot, record it with `election lot %s`, then reconcile again.', the_slug);
    END IF;
    INSERT INTO public.certified_elected
        SELECT the_election, (contest ->> 'contest')::int, one.position, (elected -> 'lines' ->> 0)::int,
               elected ->> 'name', elected ->> 'party',
               ARRAY(SELECT jsonb_array_elements_text(elected -> 'parties')), (elected ->> 'votes')::bigint,
               elected ->> 'how', (elected ->> 'seats')::int, elected ->> 'district'
        FROM jsonb_array_elements(verdict.outcome -> 'contests') AS contest,
             jsonb_array_elements(contest -> 'elected') WITH ORDINALITY AS one (elected, position);
    INSERT INTO public.certified_seats
        SELECT the_election, key, value::int FROM jsonb_each_text(verdict.outcome -> 'seats');
    INSERT INTO public.certified_outcomes VALUES (the_election, verdict.outcome);
    IF EXISTS (
        SELECT FROM jsonb_array_elements(verdict.outcome -> 'contests') AS contest,
                    jsonb_array_elements(contest -> 'elected') AS elected
        WHERE (elected ->> 'votes')::bigint IS DISTINCT FROM CASE elected ->> 'district' WHEN '' THEN (
            SELECT sum(votes) FROM public.certified_results
            WHERE election_no = the_election AND elected -> 'lines' @> to_jsonb(candidate_no))
        ELSE (
            SELECT sum(votes)
            FROM public.public_certified_district_results JOIN public.districts USING (election_no, district_no)
            WHERE election_no = the_election AND district_id = elected ->> 'district'
              AND elected -> 'lines' @> to_jsonb(candidate_no)) END
    ) THEN
        RAISE EXCEPTION '% cannot be certified: the verdict of % is about other votes than the stored ones.',
            the_slug, verdict.given_at USING HINT = again;
    END IF;
END $$;

REVOKE EXECUTE ON FUNCTION record_lot, freeze_outcome FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_lot TO election_app;

DO $$
DECLARE
    place text;
BEGIN
    FOREACH place IN ARRAY ARRAY['lots', 'certified_elected', 'certified_seats', 'certified_outcomes'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgname = 'certified_insert' AND tgrelid = place::regclass);
        EXECUTE format('CREATE TRIGGER certified_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS changed
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_what_is_certified()', place);
        EXECUTE format('CREATE TRIGGER certified_update AFTER UPDATE ON %I
                        REFERENCING OLD TABLE AS changed NEW TABLE AS became
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_what_is_certified()', place);
        EXECUTE format('CREATE TRIGGER certified_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS changed
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_what_is_certified()', place);
        EXECUTE format('CREATE TRIGGER not_emptied BEFORE TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_a_record()', place);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'never_changed' AND tgrelid = 'lots'::regclass) THEN
        CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON lots
            FOR EACH ROW EXECUTE FUNCTION refuse_to_change_a_record();
    END IF;
END $$;

CREATE OR REPLACE VIEW public_lots AS
    SELECT election_no, lot_no, contest_no, candidate_no, recorded_by, reason, recorded_at, step, tied, chosen FROM lots;
CREATE OR REPLACE VIEW public_certified_elected AS
    SELECT election_no, contest_no, position, candidate_no, candidate, party, parties, votes, how, seats, district
    FROM certified_elected;
CREATE OR REPLACE VIEW public_certified_outcomes AS
    SELECT election_no, outcome FROM certified_outcomes;
CREATE OR REPLACE VIEW public_certified_seats AS
    SELECT election_no, party, seats FROM certified_seats;

GRANT SELECT ON lots, certified_elected, certified_seats, certified_outcomes TO election_app, election_auditor, election_reader;
GRANT SELECT ON public_lots, public_certified_elected, public_certified_seats, public_certified_outcomes
    TO election_auditor, election_reader, election_dashboard, election_results_feed;
