-- Removed elections. Only the owner removes an election, and never a certified one.
-- Run by the owner after quarantine.sql; safe to run again.

-- Removes every row of the election, with its ballot key; returns its number, which is never used again.
CREATE OR REPLACE FUNCTION remove_election(the_slug text, by text) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
AS $$
DECLARE
    poll public.elections;
BEGIN
    -- As for a change of state: waits for running batches of ballots and keeps new ones from starting.
    PERFORM pg_advisory_xact_lock(1, election_no) FROM public.elections WHERE slug = the_slug;
    SELECT * INTO poll FROM public.elections WHERE slug = the_slug FOR UPDATE;
    IF poll.election_no IS NULL THEN
        RAISE EXCEPTION 'There is no election %.', the_slug;
    ELSIF poll.state = 'certified' THEN
        RAISE EXCEPTION '% is certified: it cannot be removed.', the_slug
            USING HINT = 'A certified election stays, with everything on which it rests.';
    END IF;
    INSERT INTO public.removed_elections (election_no, slug, removed_by) VALUES (poll.election_no, the_slug, by);
    -- Largest tables first, so that rows are deleted before the rows that they refer to.
    DELETE FROM public.votes WHERE election_no = poll.election_no;
    DELETE FROM public.voters WHERE election_no = poll.election_no;
    DELETE FROM public.elections WHERE election_no = poll.election_no;  -- deletes all other rows by cascade
    RETURN poll.election_no;
END $$;

REVOKE EXECUTE ON FUNCTION remove_election FROM PUBLIC;
GRANT SELECT ON removed_elections TO election_app, election_auditor, election_reader;
