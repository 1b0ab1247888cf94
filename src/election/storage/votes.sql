-- What a vote must be, checked where it is stored, for every role.
-- Run by the owner after views.sql; safe to run again. Reasons: docs/decisions/0042-districts-and-contests.md.

-- Refuses votes without a voter, in a contest that is not at that position of the ballot paper of the voter's district,
-- for another contest's candidate, and without a ranking in a contest that takes rankings; rankings in any other contest,
-- and those that name a candidate twice or not at all.
-- The plan must look voters up by their key, however many there are.
CREATE OR REPLACE FUNCTION vote_belongs() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_mergejoin = off
AS $$
DECLARE
    bad record;
BEGIN
    SELECT vote.voter_no, vote.position, vote.contest_no,
           CASE WHEN voter.voter_no IS NULL THEN 'no voter has this number'
                WHEN paper.contest_no IS NULL THEN 'this contest is not at this position of the voter''s ballot paper'
                WHEN vote.candidate_no IS NOT NULL AND candidate.candidate_no IS NULL
                    THEN 'no candidate of this contest has this number'
                WHEN vote.ranking IS NULL THEN 'this contest takes rankings, and the vote has none'
                WHEN NOT vote.is_ranked THEN 'this contest takes no ranking'
                ELSE 'its ranking names a candidate twice, or one who does not stand in this contest' END AS why
        INTO bad
    FROM (
        SELECT *, (election_no, contest_no) IN (SELECT election_no, contest_no FROM public.contests WHERE kind = 'ranking')
            AS is_ranked
        FROM stored
    ) AS vote
    LEFT JOIN public.voters AS voter USING (election_no, voter_no)
    LEFT JOIN public.papers AS paper
        ON paper.election_no = vote.election_no AND paper.district_no = voter.district_no
        AND paper.position = vote.position AND paper.contest_no = vote.contest_no
    LEFT JOIN public.candidates AS candidate
        ON candidate.election_no = vote.election_no AND candidate.contest_no = vote.contest_no
        AND candidate.candidate_no = vote.candidate_no
    WHERE paper.contest_no IS NULL  -- also without a voter
       OR (vote.candidate_no IS NOT NULL
           AND (candidate.candidate_no IS NULL OR (vote.ranking IS NOT NULL) <> vote.is_ranked))
       OR (vote.ranking IS NOT NULL AND cardinality(vote.ranking) <> (
           SELECT count(*) FROM public.candidates AS own
           WHERE own.election_no = vote.election_no AND own.contest_no = vote.contest_no
               AND own.candidate_no = ANY (vote.ranking)))
    LIMIT 1;
    IF found THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('The vote of voter %s at position %s in contest %s cannot be stored: %s.',
                             bad.voter_no, bad.position, bad.contest_no, bad.why),
            HINT = 'Nothing of this statement was stored.';
    END IF;
    RETURN NULL;
END $$;

-- Keeps what stored votes refer to: their voters, papers and candidates. Only the owner could take it away. The argument
-- names the columns of the key; an update may change all others.
CREATE OR REPLACE FUNCTION refuse_while_voted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_nestloop = off AS $$
DECLARE
    changed int[];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        EXECUTE format(
            'SELECT array_agg(DISTINCT election_no) FROM (SELECT %1$s FROM gone EXCEPT SELECT %1$s FROM became) AS keys',
            TG_ARGV[0]) INTO changed;
    ELSE
        SELECT array_agg(DISTINCT election_no) INTO changed FROM gone;
    END IF;
    IF EXISTS (SELECT FROM unnest(changed) AS one WHERE EXISTS (SELECT FROM public.votes WHERE election_no = one)) THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('Rows of %s cannot be moved or deleted: votes of their election are stored.', TG_TABLE_NAME),
            HINT = 'Remove the election as a whole: `election remove SLUG` deletes the votes first.';
    END IF;
    RETURN NULL;
END $$;

REVOKE EXECUTE ON FUNCTION vote_belongs, refuse_while_voted FROM PUBLIC;

DO $$
DECLARE
    place text;
    key text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'vote_belongs_insert' AND tgrelid = 'votes'::regclass) THEN
        CREATE TRIGGER vote_belongs_insert AFTER INSERT ON votes REFERENCING NEW TABLE AS stored
            FOR EACH STATEMENT EXECUTE FUNCTION vote_belongs();
        CREATE TRIGGER vote_belongs_update AFTER UPDATE ON votes REFERENCING NEW TABLE AS stored
            FOR EACH STATEMENT EXECUTE FUNCTION vote_belongs();
    END IF;
    FOR place, key IN VALUES
        ('voters', 'election_no, voter_no, district_no'), ('papers', 'election_no, district_no, position, contest_no'),
        ('candidates', 'election_no, contest_no, candidate_no')
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgname = 'voted_delete' AND tgrelid = place::regclass);
        EXECUTE format('CREATE TRIGGER voted_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS gone
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_while_voted(%L)', place, key);
        EXECUTE format('CREATE TRIGGER voted_update AFTER UPDATE ON %I
                        REFERENCING OLD TABLE AS gone NEW TABLE AS became
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_while_voted(%L)', place, key);
    END LOOP;
END $$;
