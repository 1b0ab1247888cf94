-- An audit rehearsed: the box with the papers, laid down before the count, and what an audit writes down.
-- Run by the owner after evidence.sql; safe to run again. Why it is done so: docs/decisions/0051-audit.md.
--
-- Two rooms that see different things. The room with the boxes (election_box) lays the papers down, takes out those that
-- were drawn and enters what they say; it reads no vote, no log and no entry. The desk (election_auditor) knows the
-- count, draws and compares; it reads no paper, and an entry only once two persons have read that paper.

CREATE SCHEMA IF NOT EXISTS box;

-- The manifest: papers by box. Positions in a box begin at 1. The imprint on a paper is its ballot id, 16 bytes each.
CREATE TABLE IF NOT EXISTS boxes (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    box_no       int NOT NULL CHECK (box_no > 0),
    contest_no   int NOT NULL,
    location_no  int NOT NULL,
    papers       int NOT NULL CHECK (papers > 0),
    imprints     bytea NOT NULL,
    PRIMARY KEY (election_no, box_no),
    CHECK (length(imprints) = 16 * papers)
);
-- What each paper says, 4 bytes each: a candidate's number, 0 if invalid, -1 if it is lost.
CREATE TABLE IF NOT EXISTS box.papers (
    election_no  int NOT NULL,
    box_no       int NOT NULL,
    says         bytea NOT NULL,
    PRIMARY KEY (election_no, box_no),
    FOREIGN KEY (election_no, box_no) REFERENCES boxes ON DELETE CASCADE
);
-- The boxes of an election are closed: no paper comes after this. Faults were planted for the trainees to find.
CREATE TABLE IF NOT EXISTS box.closed (
    election_no  int PRIMARY KEY REFERENCES elections ON DELETE CASCADE,
    laid_by      text NOT NULL CHECK (laid_by ~ '\S'),
    faults       jsonb NOT NULL,
    closed_at    timestamptz NOT NULL DEFAULT now()
);

-- An audit rests on a count that was committed before the seed was known.
CREATE TABLE IF NOT EXISTS audits (
    audit_no     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    method       text NOT NULL CHECK (method IN ('comparison', 'polling')),
    risk_limit   double precision NOT NULL CHECK (risk_limit > 0 AND risk_limit < 1),
    -- the last head of the log then, by the trigger below
    log_size     bigint NOT NULL,
    log_root     bytea NOT NULL,
    -- of the manifest with its imprints (election.audit.box)
    manifest     text NOT NULL CHECK (manifest ~ '^[0-9a-f]{64}$'),
    committed_by text NOT NULL CHECK (committed_by ~ '\S'),
    committed_at timestamptz NOT NULL DEFAULT now()
);
-- Throws of a ten-sided die, in the order in which they were typed.
CREATE TABLE IF NOT EXISTS audit_digits (
    audit_no     bigint NOT NULL REFERENCES audits ON DELETE CASCADE,
    part_no      int NOT NULL,
    digits       text NOT NULL CHECK (digits ~ '^[0-9]{1,10}$'),
    typed_by     text NOT NULL CHECK (typed_by ~ '\S'),
    typed_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audit_no, part_no)
);
CREATE TABLE IF NOT EXISTS audit_rounds (
    audit_no     bigint NOT NULL REFERENCES audits ON DELETE CASCADE,
    round_no     int NOT NULL,
    drawn_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audit_no, round_no)
);
-- Draws of a contest from 1; a paper may be drawn again. A box of number 0 stands for papers that the count has and the
-- manifest does not.
CREATE TABLE IF NOT EXISTS audit_draws (
    audit_no     bigint NOT NULL,
    contest_no   int NOT NULL,
    draw_no      int NOT NULL CHECK (draw_no > 0),
    round_no     int NOT NULL,
    box_no       int NOT NULL,
    position     int NOT NULL CHECK (position > 0),
    ticket       text NOT NULL,
    PRIMARY KEY (audit_no, contest_no, draw_no),
    FOREIGN KEY (audit_no, round_no) REFERENCES audit_rounds ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS audit_draws_by_paper ON audit_draws (audit_no, box_no, position);
-- What a person read on a paper: a candidate's number, 0 if invalid, -1 if there is no such paper.
CREATE TABLE IF NOT EXISTS audit_entries (
    audit_no     bigint NOT NULL REFERENCES audits ON DELETE CASCADE,
    box_no       int NOT NULL,
    position     int NOT NULL,
    entered_by   text NOT NULL CHECK (entered_by ~ '\S'),
    reading      int NOT NULL CHECK (reading >= -1),
    entered_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audit_no, box_no, position, entered_by)
);
-- What a round found in a contest, and what follows from it. Round 0: a contest that no sample can confirm.
CREATE TABLE IF NOT EXISTS audit_risks (
    audit_no     bigint NOT NULL REFERENCES audits ON DELETE CASCADE,
    round_no     int NOT NULL CHECK (round_no >= 0),
    contest_no   int NOT NULL,
    drawn        int NOT NULL,
    one_over     int NOT NULL,
    two_over     int NOT NULL,
    one_under    int NOT NULL,
    two_under    int NOT NULL,
    risk         double precision NOT NULL CHECK (risk >= 0 AND risk <= 1),
    follows      text NOT NULL CHECK (follows IN ('confirmed', 'another round', 'hand count')),
    -- draws of the contest in all after the next round
    next_size    int,
    PRIMARY KEY (audit_no, contest_no, round_no),
    CHECK ((follows = 'another round') = (next_size IS NOT NULL))
);
-- All papers of a contest counted by hand: by candidate, 0 the invalid ones, -1 those that were not there.
CREATE TABLE IF NOT EXISTS audit_hand_counts (
    audit_no     bigint NOT NULL REFERENCES audits ON DELETE CASCADE,
    contest_no   int NOT NULL,
    candidate_no int NOT NULL,
    papers       bigint NOT NULL,
    counted_by   text NOT NULL CHECK (counted_by ~ '\S'),
    counted_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audit_no, contest_no, candidate_no)
);
CREATE TABLE IF NOT EXISTS audit_signatures (
    audit_no     bigint PRIMARY KEY REFERENCES audits ON DELETE CASCADE,
    signed_by    text NOT NULL CHECK (signed_by ~ '\S'),
    reason       text NOT NULL CHECK (reason ~ '\S'),
    signed_at    timestamptz NOT NULL DEFAULT now()
);

-- Boxes are filled while ballots are cast or before they are counted, and closed once.
CREATE OR REPLACE FUNCTION before_the_count() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    poll public.elections;
BEGIN
    -- Under which an election changes its state (storage/elections.py, _STATE_LOCK).
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
BEGIN
    SELECT * INTO poll FROM public.elections WHERE election_no = NEW.election_no;
    IF poll.state NOT IN ('counted', 'certified', 'refused') THEN
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

-- The audit, which nothing is added to after it was signed. Waits for others who add something.
CREATE OR REPLACE FUNCTION audit_in_hand(the_audit bigint) RETURNS public.audits
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    audit public.audits;
BEGIN
    SELECT * INTO audit FROM public.audits WHERE audit_no = the_audit FOR UPDATE;
    IF audit.audit_no IS NULL THEN
        RAISE EXCEPTION 'There is no audit number %.', the_audit;
    ELSIF EXISTS (SELECT FROM public.audit_signatures WHERE audit_no = the_audit) THEN
        RAISE EXCEPTION 'Audit number % is signed: nothing is added to it.', the_audit
            USING HINT = 'Begin another one with `election audit commit`.';
    END IF;
    RETURN audit;
END $$;

-- One person gives ten digits at most, so that no person alone makes the seed.
CREATE OR REPLACE FUNCTION type_digits(the_audit bigint, typed text, by text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    audit public.audits := public.audit_in_hand(the_audit);
    before int := (SELECT coalesce(sum(length(digits)), 0) FROM public.audit_digits WHERE audit_no = the_audit);
    own int := (SELECT coalesce(sum(length(digits)), 0) FROM public.audit_digits
                WHERE audit_no = the_audit AND lower(btrim(typed_by)) = lower(btrim(by)));
BEGIN
    IF coalesce(typed, '') !~ '^[0-9]+$' THEN
        RAISE EXCEPTION 'A seed has digits 0 to 9 alone.';
    ELSIF before + length(typed) > 20 THEN
        RAISE EXCEPTION 'The seed has 20 digits; % are there and % are too many.', before, length(typed);
    ELSIF own + length(typed) > 10 THEN
        RAISE EXCEPTION '% gives ten digits of a seed at most.', btrim(by)
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
BEGIN
    IF NEW.box_no <> 0 AND NOT EXISTS (
        SELECT FROM public.boxes WHERE election_no = audit.election_no AND box_no = NEW.box_no
            AND contest_no = NEW.contest_no AND papers >= NEW.position
    ) THEN
        RAISE EXCEPTION 'Box % has no paper % of contest %.', NEW.box_no, NEW.position, NEW.contest_no;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION before_the_signature() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM public.audit_in_hand(NEW.audit_no);
    RETURN NEW;
END $$;

-- A paper that was drawn: what it says. For the person who holds it, not for the desk.
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

-- What a person read. Each person reads a paper once and sees no other's entry.
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
            USING HINT = 'Another person reads it too; what was entered is not changed.';
    END IF;
    INSERT INTO public.audit_entries (audit_no, box_no, position, entered_by, reading)
    VALUES (the_audit, the_box, the_position, btrim(by), what);
END $$;

-- All papers of a contest whose audit asks for it, counted before two persons.
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

-- A person who may decide signs, once every contest is confirmed or counted by hand.
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

-- What was planted, once there is nothing more to find.
CREATE OR REPLACE FUNCTION planted_faults(the_audit bigint) RETURNS jsonb
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT faults FROM box.closed JOIN public.audits USING (election_no) JOIN public.audit_signatures USING (audit_no)
    WHERE audit_no = the_audit;
$$;

-- Nothing of an audit is changed or taken away, by its owner either; it goes with an election that is removed.
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
    RAISE EXCEPTION 'Boxes and audits are never changed: % is only added to.', TG_TABLE_NAME
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
        CREATE TRIGGER before_the_signature BEFORE INSERT ON audit_risks
            FOR EACH ROW EXECUTE FUNCTION before_the_signature();
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
    -- So that one paper can be read without its whole box; imprints do not compress.
    IF (SELECT attstorage FROM pg_attribute WHERE attrelid = 'boxes'::regclass AND attname = 'imprints') <> 'e' THEN
        ALTER TABLE box.papers ALTER says SET STORAGE EXTERNAL;
        ALTER TABLE boxes ALTER imprints SET STORAGE EXTERNAL;
    END IF;
END $$;

-- Entries of papers that two persons have read.
CREATE OR REPLACE VIEW audit_readings AS
    SELECT audit_no, box_no, position, entered_by, reading, entered_at FROM audit_entries AS own
    WHERE (SELECT count(*) FROM audit_entries AS e WHERE (e.audit_no, e.box_no, e.position)
           = (own.audit_no, own.box_no, own.position)) > 1;
-- Papers to read: how many persons have entered each, who, and whether two of them read the same.
CREATE OR REPLACE VIEW audit_papers AS
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

-- The room with the boxes: of voters what decides, of the count nothing.
GRANT USAGE ON SCHEMA public TO election_box;
GRANT USAGE ON SCHEMA box TO election_box;
GRANT SELECT ON elections, contests, candidates, locations, ballot_keys, boxes TO election_box;
GRANT SELECT (election_no, voter_no, contest_no, location_no, gender, date_of_birth) ON voters TO election_box;
GRANT INSERT ON boxes, box.papers, box.closed TO election_box;
GRANT SELECT ON audits, audit_rounds, audit_draws, audit_papers TO election_box;
-- The desk.
GRANT SELECT ON boxes, audits, audit_digits, audit_rounds, audit_draws, audit_risks, audit_hand_counts,
    audit_signatures, audit_readings, audit_papers TO election_auditor, election_reader;
GRANT INSERT ON audits, audit_rounds, audit_draws, audit_risks TO election_auditor;
-- views.sql lets both read every table.
REVOKE SELECT ON audit_entries FROM election_auditor, election_reader;
REVOKE EXECUTE ON FUNCTION audit_in_hand, type_digits, take_out, enter_paper, count_by_hand, sign_audit, planted_faults
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_out, enter_paper, count_by_hand TO election_box;
GRANT EXECUTE ON FUNCTION type_digits, sign_audit, planted_faults TO election_auditor;
