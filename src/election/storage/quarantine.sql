-- Forged messages on votes_topic that the tally skips by a person's decision.
-- Run by the owner after certification.sql; safe to run again. Decisions are only added.

-- Records a decision and returns its number. Postgres cannot compute ballot ids, which are keyed hashes, so the auditor
-- names the forged messages. If they included a stored ballot, fewer ballots would be counted than stored, and
-- certify() would refuse.
CREATE OR REPLACE FUNCTION quarantine(the_slug text, by text, reason text, topic text, messages jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    poll public.elections;
    decision bigint;
BEGIN
    IF coalesce(by, '') !~ '\S' OR coalesce(reason, '') !~ '\S' THEN
        RAISE EXCEPTION 'A decision on % needs who decides and a reason; neither may be empty.', the_slug;
    END IF;
    PERFORM public.require_decider(by);
    SELECT * INTO poll FROM public.elections WHERE slug = the_slug;
    IF poll.election_no IS NULL THEN
        RAISE EXCEPTION 'There is no election %.', the_slug;
    ELSIF coalesce(jsonb_array_length(messages), 0) = 0 THEN
        RAISE EXCEPTION 'There is nothing to quarantine in %.', the_slug;
    END IF;
    INSERT INTO public.quarantines (election_no, decided_by, reason) VALUES (poll.election_no, by, reason)
        RETURNING quarantine_no INTO decision;
    INSERT INTO public.quarantined_messages
        (topic_id, partition_no, offset_no, quarantine_no, election_no, ballot_id, found)
        SELECT topic, place.partition_no, place.offset_no, decision, poll.election_no, decode(place.ballot_id, 'hex'),
               place.found
        FROM jsonb_to_recordset(messages) AS place(partition_no int, offset_no bigint, ballot_id text, found text);
    RETURN decision;
END $$;

REVOKE EXECUTE ON FUNCTION quarantine FROM PUBLIC;
GRANT EXECUTE ON FUNCTION quarantine TO election_auditor;

DO $$
DECLARE
    place text;
BEGIN
    FOREACH place IN ARRAY ARRAY['quarantines', 'quarantined_messages'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgname = 'never_changed' AND tgrelid = place::regclass);
        EXECUTE format('CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION refuse_to_change_a_record()', place);
        EXECUTE format('CREATE TRIGGER not_emptied BEFORE TRUNCATE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_a_record()', place);
    END LOOP;
END $$;

CREATE OR REPLACE VIEW public_quarantines AS
    SELECT election_no, quarantine_no, decided_by, reason, decided_at, count(offset_no) AS messages
    FROM quarantines LEFT JOIN quarantined_messages USING (election_no, quarantine_no)
    GROUP BY election_no, quarantine_no, decided_by, reason, decided_at;

GRANT SELECT ON quarantines, quarantined_messages TO election_app, election_auditor, election_reader;
GRANT SELECT ON public_quarantines TO election_auditor, election_reader, election_dashboard, election_results_feed;
