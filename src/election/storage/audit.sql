-- A rehearsed audit: the boxes of papers, laid down before the count, and the records of the audit.
-- Run by the owner after evidence.sql; safe to run again. Reasons: docs/decisions/0051-audit.md.
--
-- Two roles see different things. election_box, the room with the boxes, lays down the papers, takes out those drawn
-- and enters what they say. It reads no vote, no log and no entry. election_auditor, the desk, knows the count, draws
-- and compares. It reads no paper, and it reads an entry only after two persons have read that paper.

-- Boxes are filled while the poll is open or closed, before the count is over. They are closed once.
CREATE OR REPLACE FUNCTION before_the_count() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    poll public.elections;
BEGIN
    -- An election changes its state under this lock (storage/elections.py, _STATE_LOCK).
    PERFORM pg_advisory_xact_lock_shared(1, NEW.election_no);
    SELECT * INTO poll FROM public.elections WHERE election_no = NEW.election_no;
    IF poll.state NOT IN ('open', 'closed') THEN
        RAISE EXCEPTION '% is %: its boxes are laid down while the poll is open or closed, before the count is over.',
            poll.slug, poll.state USING HINT = 'A record that is made after the count says nothing about it.';
    ELSIF EXISTS (SELECT FROM box.closed WHERE election_no = NEW.election_no) THEN
        RAISE EXCEPTION 'The boxes of % are closed.', poll.slug USING HINT = 'They are laid down once.';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION commit_the_count() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    poll public.elections;
    unsigned bigint;
BEGIN
    -- Waits for other transactions, so that two audits cannot begin at once.
    SELECT * INTO poll FROM public.elections WHERE election_no = NEW.election_no FOR NO KEY UPDATE;
    SELECT audit_no INTO unsigned FROM public.audits AS a WHERE election_no = NEW.election_no
        AND NOT EXISTS (SELECT FROM public.audit_signatures AS s WHERE s.audit_no = a.audit_no) LIMIT 1;
    IF unsigned IS NOT NULL THEN
        RAISE EXCEPTION 'Audit number % of % is not signed yet.', unsigned, poll.slug
            USING HINT = 'End it first: audits that are repeated until one confirms show nothing.';
    ELSIF poll.state NOT IN ('counted', 'certified', 'refused') THEN
        RAISE EXCEPTION '% is %: an audit begins when it is counted.', poll.slug, poll.state
            USING HINT = 'Count and reconcile first.';
    ELSIF NOT EXISTS (SELECT FROM box.closed WHERE election_no = NEW.election_no) THEN
        RAISE EXCEPTION 'No box was laid down for % before the count.', poll.slug
            USING HINT = 'Give the run the parameter box, or `election audit box` before the count is over.';
    END IF;
    SELECT size, root INTO NEW.log_size, NEW.log_root FROM public.log_rounds
        WHERE election_no = NEW.election_no ORDER BY first_entry DESC LIMIT 1;
    IF NEW.log_size IS NULL THEN
        RAISE EXCEPTION '% has no log of published ballots to commit to.', poll.slug
            USING HINT = 'Seal it with `election seal SLUG`.';
    END IF;
    NEW.committed_at := now();
    RETURN NEW;
END $$;

-- Locks the audit and returns it; refuses a signed one. Waits for other transactions that add to it.
CREATE OR REPLACE FUNCTION audit_in_hand(the_audit bigint) RETURNS public.audits
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    audit public.audits;
BEGIN
    SELECT * INTO audit FROM public.audits WHERE audit_no = the_audit FOR UPDATE;
    IF audit.audit_no IS NULL THEN
        RAISE EXCEPTION 'There is no audit number %.', the_audit;
    ELSIF EXISTS (SELECT FROM public.audit_signatures WHERE audit_no = the_audit) THEN
        RAISE EXCEPTION 'Audit number % is signed: nothing can be added to it.', the_audit
            USING HINT = 'Begin another one with `election audit commit`.';
    END IF;
    RETURN audit;
END $$;

-- One person types at most ten of the twenty digits, so that no person alone chooses the seed.
CREATE OR REPLACE FUNCTION type_digits(the_audit bigint, typed text, by text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    audit public.audits := public.audit_in_hand(the_audit);
    before int := (SELECT coalesce(sum(length(digits)), 0) FROM public.audit_digits WHERE audit_no = the_audit);
    own int := (SELECT coalesce(sum(length(digits)), 0) FROM public.audit_digits
                WHERE audit_no = the_audit AND lower(btrim(typed_by)) = lower(btrim(by)));
BEGIN
    IF coalesce(typed, '') !~ '^[0-9]+$' THEN
        RAISE EXCEPTION 'A seed consists of digits 0 to 9 only.';
    ELSIF before + length(typed) > 20 THEN
        RAISE EXCEPTION 'The seed has 20 digits; % are there and % are too many.', before, length(typed);
    ELSIF own + length(typed) > 10 THEN
        RAISE EXCEPTION '% may give at most ten digits of a seed.', btrim(by)
            USING HINT = 'Another person throws the rest.';
    END IF;
    INSERT INTO public.audit_digits (audit_no, part_no, digits, typed_by)
    SELECT the_audit, count(*) + 1, typed, btrim(by) FROM public.audit_digits WHERE audit_no = the_audit;
    RETURN before + length(typed);
END $$;

CREATE OR REPLACE FUNCTION after_the_seed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    audit public.audits := public.audit_in_hand(NEW.audit_no);
    last int := (SELECT coalesce(max(round_no), 0) FROM public.audit_rounds WHERE audit_no = NEW.audit_no);
BEGIN
    IF (SELECT coalesce(sum(length(digits)), 0) FROM public.audit_digits WHERE audit_no = NEW.audit_no) <> 20 THEN
        RAISE EXCEPTION 'The seed of audit number % is not complete.', NEW.audit_no
            USING HINT = 'Type its 20 digits with `election audit seed`.';
    ELSIF NEW.round_no <> last + 1 THEN
        RAISE EXCEPTION 'Round % does not follow round %.', NEW.round_no, last;
    ELSIF EXISTS (
        SELECT FROM public.audit_draws AS d WHERE d.audit_no = NEW.audit_no AND d.round_no = last
            AND NOT EXISTS (SELECT FROM public.audit_risks AS r WHERE r.audit_no = d.audit_no
                            AND r.contest_no = d.contest_no AND r.round_no = last)
    ) THEN
        RAISE EXCEPTION 'Round % is not assessed yet.', last USING HINT = 'Enter all its papers, then assess the risk.';
    END IF;
    NEW.drawn_at := now();
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION from_the_manifest() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    audit public.audits := public.audit_in_hand(NEW.audit_no);
    last public.audit_risks;
BEGIN
    SELECT * INTO last FROM public.audit_risks WHERE audit_no = NEW.audit_no AND contest_no = NEW.contest_no
        ORDER BY round_no DESC LIMIT 1;
    IF last.follows IN ('confirmed', 'hand count') THEN
        RAISE EXCEPTION 'Contest % is assessed: % in round %. No paper is drawn after that.', NEW.contest_no,
            last.follows, last.round_no;
    ELSIF last.round_no >= NEW.round_no THEN
        RAISE EXCEPTION 'Round % of contest % is assessed already.', NEW.round_no, NEW.contest_no;
    END IF;
    IF NEW.box_no <> 0 AND NOT EXISTS (
        SELECT FROM public.boxes WHERE election_no = audit.election_no AND box_no = NEW.box_no
            AND contest_no = NEW.contest_no AND papers >= NEW.position
    ) THEN
        RAISE EXCEPTION 'Box % has no paper % of contest %.', NEW.box_no, NEW.position, NEW.contest_no;
    END IF;
    RETURN NEW;
END $$;

-- A round's findings must rest on the papers of that round and all earlier ones. Postgres does not compute the risk
-- itself: `election audit check` computes it again.
CREATE OR REPLACE FUNCTION after_the_readings() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    audit public.audits := public.audit_in_hand(NEW.audit_no);
    last public.audit_risks;
    drawn int;
    newest int;
    unread int;
BEGIN
    SELECT * INTO last FROM public.audit_risks WHERE audit_no = NEW.audit_no AND contest_no = NEW.contest_no
        ORDER BY round_no DESC LIMIT 1;
    SELECT count(*), max(round_no) INTO drawn, newest FROM public.audit_draws
        WHERE audit_no = NEW.audit_no AND contest_no = NEW.contest_no;
    IF last.follows IN ('confirmed', 'hand count') THEN
        RAISE EXCEPTION 'Contest % is assessed: % in round %.', NEW.contest_no, last.follows, last.round_no;
    ELSIF NEW.round_no = 0 THEN
        IF NEW.follows <> 'hand count' OR NEW.drawn <> 0 OR drawn <> 0 THEN
            RAISE EXCEPTION 'Round 0 of contest % has no sample: a hand count follows, nothing else.', NEW.contest_no;
        END IF;
        RETURN NEW;
    ELSIF newest IS DISTINCT FROM NEW.round_no THEN
        RAISE EXCEPTION 'Round % of contest % is not its last one that was drawn.', NEW.round_no, NEW.contest_no;
    ELSIF NEW.drawn <> drawn THEN
        RAISE EXCEPTION 'Contest % has % draws, not %.', NEW.contest_no, drawn, NEW.drawn;
    END IF;
    SELECT count(*) INTO unread FROM public.audit_papers
        WHERE audit_no = NEW.audit_no AND contest_no = NEW.contest_no AND NOT agreed;
    IF unread > 0 THEN
        RAISE EXCEPTION '% papers of contest % are not read by two persons who agree.', unread, NEW.contest_no;
    ELSIF NEW.follows = 'confirmed' AND NEW.risk >= audit.risk_limit THEN
        RAISE EXCEPTION 'A risk of % is not below the risk limit of %.', NEW.risk, audit.risk_limit;
    END IF;
    RETURN NEW;
END $$;

-- Returns what a drawn paper says. For the person who holds the paper, not for the desk.
CREATE OR REPLACE FUNCTION take_out(the_audit bigint, the_box int, the_position int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    audit public.audits := public.audit_in_hand(the_audit);
    paper bytea;
BEGIN
    IF NOT EXISTS (SELECT FROM public.audit_draws
                   WHERE audit_no = the_audit AND box_no = the_box AND position = the_position) THEN
        RAISE EXCEPTION 'Paper % of box % was not drawn.', the_position, the_box
            USING HINT = 'Only papers of the sample are taken out: `election audit papers`.';
    END IF;
    SELECT substring(says FROM 4 * the_position - 3 FOR 4) INTO paper FROM box.papers
        WHERE election_no = audit.election_no AND box_no = the_box;
    IF coalesce(length(paper), 0) < 4 THEN
        RETURN -1;  -- the box has fewer papers than the manifest says
    END IF;
    RETURN ('x' || encode(paper, 'hex'))::bit(32)::int;
END $$;

-- Records what a person read. Each person reads a paper once and cannot see another person's entry.
CREATE OR REPLACE FUNCTION enter_paper(the_audit bigint, the_box int, the_position int, what int, by text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    audit public.audits := public.audit_in_hand(the_audit);
    contest int := (SELECT contest_no FROM public.audit_draws
                    WHERE audit_no = the_audit AND box_no = the_box AND position = the_position LIMIT 1);
BEGIN
    IF contest IS NULL OR the_box = 0 THEN
        RAISE EXCEPTION 'Paper % of box % was not drawn.', the_position, the_box
            USING HINT = '`election audit papers` lists those that were.';
    ELSIF what > 0 AND NOT EXISTS (SELECT FROM public.candidates
        WHERE election_no = audit.election_no AND contest_no = contest AND candidate_no = what) THEN
        RAISE EXCEPTION 'Candidate % does not stand in the contest of box %.', what, the_box;
    ELSIF EXISTS (SELECT FROM public.audit_entries WHERE audit_no = the_audit AND box_no = the_box
                  AND position = the_position AND lower(entered_by) = lower(btrim(by))) THEN
        RAISE EXCEPTION '% has entered paper % of box % already.', btrim(by), the_position, the_box
            USING HINT = 'Another person reads it too; an entry cannot be changed.';
    ELSIF EXISTS (SELECT FROM public.audit_entries WHERE audit_no = the_audit AND box_no = the_box
                  AND position = the_position GROUP BY reading HAVING count(*) > 1) THEN
        RAISE EXCEPTION 'Paper % of box % takes no more entries: two persons have read the same.', the_position, the_box
            USING HINT = 'Their reading stands. `election audit papers` lists the papers to read.';
    END IF;
    INSERT INTO public.audit_entries (audit_no, box_no, position, entered_by, reading)
    VALUES (the_audit, the_box, the_position, btrim(by), what);
END $$;

-- Counts all papers of a contest before two persons, if the audit requires it.
CREATE OR REPLACE FUNCTION count_by_hand(the_audit bigint, the_contest int, by text, witness text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    audit public.audits := public.audit_in_hand(the_audit);
BEGIN
    IF coalesce(lower(btrim(by)), '') = coalesce(lower(btrim(witness)), '') THEN
        RAISE EXCEPTION 'Two persons count by hand, not one.';
    ELSIF (SELECT follows FROM public.audit_risks WHERE audit_no = the_audit AND contest_no = the_contest
           ORDER BY round_no DESC LIMIT 1) IS DISTINCT FROM 'hand count' THEN
        RAISE EXCEPTION 'The audit does not ask for a hand count of contest %.', the_contest
            USING HINT = '`election audit status` says what follows.';
    END IF;
    INSERT INTO public.audit_hand_counts (audit_no, contest_no, candidate_no, papers, counted_by)
    SELECT the_audit, the_contest, ('x' || encode(substring(says FROM 4 * place - 3 FOR 4), 'hex'))::bit(32)::int,
           count(*), btrim(by) || ', ' || btrim(witness)
    FROM public.boxes JOIN box.papers USING (election_no, box_no), generate_series(1, length(says) / 4) AS place
    WHERE election_no = audit.election_no AND contest_no = the_contest GROUP BY 3;
END $$;

-- Signs the audit. The signer must be a decider; every contest must be confirmed or counted by hand.
CREATE OR REPLACE FUNCTION sign_audit(the_audit bigint, by text, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    audit public.audits := public.audit_in_hand(the_audit);
    waiting text;
BEGIN
    PERFORM public.require_decider(by);
    SELECT string_agg(c.name, ', ' ORDER BY c.contest_no) INTO waiting
    FROM public.contests AS c LEFT JOIN LATERAL (
        SELECT follows FROM public.audit_risks AS r WHERE r.audit_no = the_audit AND r.contest_no = c.contest_no
        ORDER BY round_no DESC LIMIT 1
    ) AS last ON true
    WHERE c.election_no = audit.election_no AND NOT c.unopposed
        AND NOT coalesce(last.follows = 'confirmed' OR EXISTS (
            SELECT FROM public.audit_hand_counts AS h
            WHERE h.audit_no = the_audit AND h.contest_no = c.contest_no), false);
    IF waiting IS NOT NULL THEN
        RAISE EXCEPTION 'The audit is not over in %.', waiting
            USING HINT = 'Draw the next round, or count by hand: `election audit status`.';
    END IF;
    INSERT INTO public.audit_signatures (audit_no, signed_by, reason) VALUES (the_audit, by, why);
END $$;

-- Returns the planted faults, after the audit is signed.
CREATE OR REPLACE FUNCTION planted_faults(the_audit bigint) RETURNS jsonb
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT faults FROM box.closed JOIN public.audits USING (election_no) JOIN public.audit_signatures USING (audit_no)
    WHERE audit_no = the_audit;
$$;

-- Rows of an audit cannot be changed or deleted, not even by the owner, unless their election is removed.
CREATE OR REPLACE FUNCTION refuse_to_change_an_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone boolean := false;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF to_jsonb(OLD) ? 'election_no' THEN
            gone := NOT EXISTS (SELECT FROM public.elections WHERE election_no = (to_jsonb(OLD) ->> 'election_no')::int);
        ELSE
            gone := NOT EXISTS (SELECT FROM public.audits WHERE audit_no = (to_jsonb(OLD) ->> 'audit_no')::bigint);
        END IF;
        IF gone THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'Boxes and audits cannot be changed: rows of % are only added.', TG_TABLE_NAME
        USING HINT = 'Begin another audit with `election audit commit`.';
END $$;

DO $$
DECLARE
    place text;
BEGIN
    FOREACH place IN ARRAY ARRAY['boxes', 'box.papers', 'box.closed'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgname = 'before_the_count' AND tgrelid = place::regclass);
        EXECUTE format('CREATE TRIGGER before_the_count BEFORE INSERT ON %s
                        FOR EACH ROW EXECUTE FUNCTION before_the_count()', place);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'commits' AND tgrelid = 'audits'::regclass) THEN
        CREATE TRIGGER commits BEFORE INSERT ON audits FOR EACH ROW EXECUTE FUNCTION commit_the_count();
        CREATE TRIGGER after_the_seed BEFORE INSERT ON audit_rounds FOR EACH ROW EXECUTE FUNCTION after_the_seed();
        CREATE TRIGGER after_the_readings BEFORE INSERT ON audit_risks
            FOR EACH ROW EXECUTE FUNCTION after_the_readings();
        CREATE TRIGGER from_the_manifest BEFORE INSERT ON audit_draws
            FOR EACH ROW EXECUTE FUNCTION from_the_manifest();
    END IF;
    FOREACH place IN ARRAY ARRAY['boxes', 'box.papers', 'box.closed', 'audits', 'audit_digits', 'audit_rounds',
                                 'audit_draws', 'audit_entries', 'audit_risks', 'audit_hand_counts',
                                 'audit_signatures'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgname = 'never_changed' AND tgrelid = place::regclass);
        EXECUTE format('CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON %s
                        FOR EACH ROW EXECUTE FUNCTION refuse_to_change_an_audit()', place);
        EXECUTE format('CREATE TRIGGER not_emptied BEFORE TRUNCATE ON %s
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_an_audit()', place);
    END LOOP;
END $$;

-- Entries of papers that two persons have read. Without the barrier, a condition of a query could see an entry that the
-- view hides, and quote it in an error.
CREATE OR REPLACE VIEW audit_readings WITH (security_barrier) AS
    SELECT audit_no, box_no, position, entered_by, reading, entered_at FROM audit_entries AS own
    WHERE (SELECT count(*) FROM audit_entries AS e WHERE (e.audit_no, e.box_no, e.position)
           = (own.audit_no, own.box_no, own.position)) > 1;
-- Papers to read: how many persons have entered each, who, and whether two of them read the same.
CREATE OR REPLACE VIEW audit_papers WITH (security_barrier) AS
    SELECT d.audit_no, d.contest_no, d.box_no, d.position, min(d.round_no) AS round_no,
           coalesce(min(e.entries), 0) AS entries, coalesce(min(e.by), '{}') AS entered_by,
           coalesce(bool_or(e.agreed), false) AS agreed
    FROM audit_draws AS d LEFT JOIN LATERAL (
        SELECT sum(n)::int AS entries, max(n) > 1 AS agreed, array_agg(names.name ORDER BY names.name) AS by
        FROM (SELECT reading, count(*) AS n, array_agg(entered_by) AS who FROM audit_entries AS own
              WHERE (own.audit_no, own.box_no, own.position) = (d.audit_no, d.box_no, d.position) GROUP BY reading)
             AS same
        LEFT JOIN LATERAL unnest(same.who) AS names (name) ON true
    ) AS e ON true
    WHERE d.box_no <> 0
    GROUP BY d.audit_no, d.contest_no, d.box_no, d.position;

-- election_box reads the columns of voters that decide a simulated vote, and nothing of the count.
GRANT USAGE ON SCHEMA public TO election_box;
GRANT USAGE ON SCHEMA box TO election_box;
GRANT SELECT ON elections, districts, contests, papers, candidates, official_results, official_rankings, locations,
    ballot_keys, boxes TO election_box;
GRANT SELECT (election_no, voter_no, district_no, location_no, gender, date_of_birth) ON voters TO election_box;
GRANT INSERT ON boxes, box.papers, box.closed TO election_box;
GRANT SELECT ON audits, audit_rounds, audit_draws, audit_papers TO election_box;
-- election_auditor.
GRANT SELECT ON boxes, audits, audit_digits, audit_rounds, audit_draws, audit_risks, audit_hand_counts,
    audit_signatures, audit_readings, audit_papers TO election_auditor, election_reader;
GRANT INSERT ON audits, audit_rounds, audit_draws, audit_risks TO election_auditor;
-- views.sql grants both roles every table.
REVOKE SELECT ON audit_entries FROM election_auditor, election_reader;
REVOKE EXECUTE ON FUNCTION audit_in_hand, type_digits, take_out, enter_paper, count_by_hand, sign_audit, planted_faults,
    before_the_count, commit_the_count, after_the_seed, from_the_manifest, after_the_readings, refuse_to_change_an_audit
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_out, enter_paper, count_by_hand TO election_box;
GRANT EXECUTE ON FUNCTION type_digits, sign_audit, planted_faults TO election_auditor;
