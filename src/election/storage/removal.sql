-- Elections that were removed, and how: by the owner alone, and never a certified one.
-- Run by the owner after quarantine.sql; safe to run again.

-- Removes every row of the election, its ballot key among them; returns its number, which no other election will get.
CREATE OR REPLACE FUNCTION remove_election(the_slug text, by text) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
AS $$
DECLARE
    poll public.elections;
BEGIN
    -- No batch of ballots is under way, and none begins: as for a change of state.
    PERFORM pg_advisory_xact_lock(1, election_no) FROM public.elections WHERE slug = the_slug;
    SELECT * INTO poll FROM public.elections WHERE slug = the_slug FOR UPDATE;
    IF poll.election_no IS NULL THEN
        RAISE EXCEPTION 'There is no election %.', the_slug;
    ELSIF poll.state = 'certified' THEN
        RAISE EXCEPTION '% is certified: it cannot be removed.', the_slug
            USING HINT = 'What is certified stays, with everything that it rests on.';
    END IF;
    INSERT INTO public.removed_elections (election_no, slug, removed_by) VALUES (poll.election_no, the_slug, by);
    -- Largest first, so that the rows that refer to others are gone before those.
    DELETE FROM public.votes WHERE election_no = poll.election_no;
    DELETE FROM public.voters WHERE election_no = poll.election_no;
    DELETE FROM public.elections WHERE election_no = poll.election_no;  -- everything else goes with it
    RETURN poll.election_no;
END $$;

REVOKE EXECUTE ON FUNCTION remove_election FROM PUBLIC;
GRANT SELECT ON removed_elections TO election_app, election_auditor, election_reader;
