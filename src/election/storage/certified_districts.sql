-- The certified figures by district. Run by the owner after certification.sql; safe to run again.
-- Reasons: docs/decisions/0042-districts-and-contests.md.

-- Freezes the stored votes by district, of each contest in which voters of several districts choose; zeros included.
CREATE OR REPLACE FUNCTION freeze_districts(the_election int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    divided int[] := ARRAY(SELECT contest_no FROM public.papers WHERE election_no = the_election
                           GROUP BY contest_no HAVING count(*) > 1);
    -- A voter's district follows from the voter's number; a join with millions of voters costs much more.
    numbers int[] := ARRAY(SELECT district_no FROM public.districts WHERE election_no = the_election
                           ORDER BY first_voter_no);
    begins bigint[] := ARRAY(SELECT first_voter_no FROM public.districts WHERE election_no = the_election
                             ORDER BY first_voter_no);
BEGIN
    IF divided = '{}' THEN
        RETURN;
    END IF;
    INSERT INTO public.certified_district_results (election_no, contest_no, district_no, candidate_no, votes)
        SELECT the_election, contest_no, district_no, nullif(line, 0), coalesce(votes, 0)
        FROM public.papers
        JOIN (SELECT contest_no, candidate_no AS line FROM public.candidates WHERE election_no = the_election
              UNION ALL SELECT unnest(divided), 0) AS lines USING (contest_no)
        LEFT JOIN (
            SELECT contest_no, numbers[width_bucket(voter_no, begins)] AS district_no,
                   coalesce(candidate_no, 0) AS line, count(*) AS votes
            FROM public.votes WHERE election_no = the_election AND contest_no = ANY (divided) GROUP BY 1, 2, 3
        ) AS counted USING (contest_no, district_no, line)
        WHERE election_no = the_election AND contest_no = ANY (divided);
END $$;

REVOKE EXECUTE ON FUNCTION freeze_districts FROM PUBLIC;

-- Every certified total by district, at its position on the district's ballot paper; candidate_no is null for invalid
-- votes. The totals of a contest with one district are those of the contest.
CREATE OR REPLACE VIEW public_certified_district_results AS
    SELECT election_no, district_no, position, contest_no, candidate_no, votes
    FROM certified_district_results JOIN papers USING (election_no, district_no, contest_no)
    UNION ALL
    SELECT election_no, district_no, position, contest_no, candidate_no, votes
    FROM (SELECT election_no, contest_no, candidate_no, votes FROM certified_results
          UNION ALL SELECT election_no, contest_no, NULL, invalid FROM certified_contests) AS of_contests
    JOIN (SELECT election_no, contest_no, min(district_no) AS district_no, min(position) AS position
          FROM papers GROUP BY 1, 2 HAVING count(*) = 1) AS undivided USING (election_no, contest_no);
-- Who voted: the first votes on the ballot papers, one a voter.
CREATE OR REPLACE VIEW public_certified_districts AS
    SELECT election_no, district_no, district_id, name, registered, coalesce(voted, 0) AS voted,
           coalesce(voted, 0)::float8 / registered AS turnout
    FROM districts LEFT JOIN (
        SELECT election_no, district_no, sum(votes)::bigint AS voted FROM public_certified_district_results
        WHERE position = 1 GROUP BY 1, 2
    ) AS first USING (election_no, district_no)
    WHERE EXISTS (SELECT FROM certified_contests WHERE certified_contests.election_no = districts.election_no);

GRANT SELECT ON certified_district_results TO election_app, election_auditor, election_reader;
GRANT SELECT ON public_certified_district_results, public_certified_districts
    TO election_auditor, election_reader, election_dashboard, election_results_feed;
