-- The tables, functions and rights as version 0.1 made them. Kept as they were: test_upgrade.py begins with them.
-- Every key starts with the election, so that elections never mix.

CREATE TABLE IF NOT EXISTS elections (
    election_no  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug         text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    scenario     text NOT NULL,
    name         text NOT NULL,
    polling_day  date NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('replay', 'simulated')),
    source       text NOT NULL CHECK (source IN ('offline', 'randomuser')),
    seed         bigint NOT NULL,
    -- what votes per minute are kept by: candidates in small elections, parties in large ones
    series       text NOT NULL CHECK (series IN ('candidate', 'party')),
    -- the parameters of the run that a stage needs again (turnout, nationality, …)
    parameters   jsonb NOT NULL DEFAULT '{}',
    state        text NOT NULL DEFAULT 'registered'
                 CHECK (state IN ('registered', 'open', 'closed', 'counted', 'certified', 'refused')),
    registered_at timestamptz NOT NULL DEFAULT now(),
    opened_at    timestamptz,
    closed_at    timestamptz,
    counted_at   timestamptz,
    decided_at   timestamptz,
    -- offsets by partition: where this election's records begin and end on a topic
    votes_from   jsonb NOT NULL,
    voters_from  jsonb,
    voters_to    jsonb,
    -- ballots from outside: the topic's ends when the election was registered, its poll opened and closed
    ballots_from jsonb,
    ballots_open jsonb,
    ballots_to   jsonb
);
-- A table made before these columns were. Looked up first: ALTER TABLE waits for every reader, and all others for it.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'elections'::regclass AND attname = 'decided_at') THEN
        ALTER TABLE elections ADD decided_at timestamptz;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'elections'::regclass AND attname = 'ballots_to') THEN
        ALTER TABLE elections ADD ballots_from jsonb, ADD ballots_open jsonb, ADD ballots_to jsonb;
    END IF;
END $$;

-- The ballot key of each election: whoever reads it can tell whose ballot is whose.
CREATE TABLE IF NOT EXISTS ballot_keys (
    election_no  int PRIMARY KEY REFERENCES elections ON DELETE CASCADE,
    key          bytea NOT NULL CHECK (length(key) = 32)
);

CREATE TABLE IF NOT EXISTS parties (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    abbreviation text NOT NULL,
    name         text NOT NULL,
    colour       text CHECK (colour ~ '^#[0-9a-fA-F]{6}$'),
    PRIMARY KEY (election_no, abbreviation)
);

CREATE TABLE IF NOT EXISTS contests (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    contest_no   int NOT NULL,
    contest_id   text NOT NULL,
    name         text NOT NULL,
    region       text NOT NULL,
    country      text NOT NULL,
    declared_at  timestamp,
    registered   bigint NOT NULL CHECK (registered > 0),
    -- the contest's voters have the numbers first_voter_no … first_voter_no + registered - 1
    first_voter_no bigint NOT NULL,
    official_valid   bigint,
    official_invalid bigint,
    PRIMARY KEY (election_no, contest_no),
    UNIQUE (election_no, contest_id)
);

CREATE TABLE IF NOT EXISTS candidates (
    election_no  int NOT NULL,
    contest_no   int NOT NULL,
    candidate_no int NOT NULL,
    given_name   text NOT NULL,
    family_name  text NOT NULL,
    gender       text NOT NULL CHECK (gender ~ '^[a-z]+(-[a-z]+)*$'),
    party        text NOT NULL,
    party_abbreviation text NOT NULL,
    official_votes bigint,
    photo        bytea,
    PRIMARY KEY (election_no, candidate_no),
    UNIQUE (election_no, contest_no, candidate_no),
    FOREIGN KEY (election_no, contest_no) REFERENCES contests ON DELETE CASCADE,
    FOREIGN KEY (election_no, party_abbreviation) REFERENCES parties ON DELETE CASCADE
);

-- Candidates did not always go with their parties, and so no election could be deleted.
DO $$
DECLARE
    older text;
BEGIN
    SELECT conname INTO older FROM pg_constraint
    WHERE conrelid = 'candidates'::regclass AND confrelid = 'parties'::regclass AND confdeltype <> 'c';
    IF FOUND THEN
        EXECUTE format('ALTER TABLE candidates DROP CONSTRAINT %I', older);
        ALTER TABLE candidates ADD FOREIGN KEY (election_no, party_abbreviation) REFERENCES parties ON DELETE CASCADE;
    END IF;
END $$;

CREATE TABLE IF NOT EXISTS locations (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    location_no  int NOT NULL,
    country      text NOT NULL,
    region       text NOT NULL,
    city         text NOT NULL,
    PRIMARY KEY (election_no, location_no),
    UNIQUE (election_no, country, region, city)
);

CREATE TABLE IF NOT EXISTS voters (
    election_no  int NOT NULL,
    voter_no     bigint NOT NULL,
    contest_no   int NOT NULL,
    location_no  int NOT NULL,
    gender       text NOT NULL CHECK (gender IN ('female', 'male', 'non-binary')),
    date_of_birth date NOT NULL,
    title        text NOT NULL,
    given_name   text NOT NULL,
    family_name  text NOT NULL,
    email        text NOT NULL,
    phone        text NOT NULL,
    street       text NOT NULL,
    postcode     text NOT NULL,
    nationality  text NOT NULL,
    PRIMARY KEY (election_no, voter_no),
    FOREIGN KEY (election_no, contest_no) REFERENCES contests ON DELETE CASCADE,
    FOREIGN KEY (election_no, location_no) REFERENCES locations ON DELETE CASCADE
);

-- One row a ballot. The primary key makes a second vote impossible; the second foreign key a vote for
-- another contest's candidate. candidate_no is null on an invalid ballot.
CREATE TABLE IF NOT EXISTS votes (
    election_no  int NOT NULL,
    voter_no     bigint NOT NULL,
    contest_no   int NOT NULL,
    candidate_no int,
    cast_at      timestamptz NOT NULL,
    PRIMARY KEY (election_no, voter_no),
    FOREIGN KEY (election_no, voter_no) REFERENCES voters ON DELETE CASCADE,
    FOREIGN KEY (election_no, contest_no, candidate_no)
        REFERENCES candidates (election_no, contest_no, candidate_no) ON DELETE CASCADE
);

-- Registered voters by contest, location, gender and age group, counted once when the electorate is complete,
-- so that no reader of turnout ever needs the voters.
CREATE TABLE IF NOT EXISTS registered_counts (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    dimension    text NOT NULL CHECK (dimension IN ('contest', 'location', 'gender', 'age_group')),
    member       text NOT NULL,
    registered   bigint NOT NULL,
    PRIMARY KEY (election_no, dimension, member)
);

CREATE TABLE IF NOT EXISTS verdicts (
    verdict_no   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    given_at     timestamptz NOT NULL DEFAULT now(),
    ok           boolean NOT NULL,
    registered   bigint NOT NULL,
    stored       bigint NOT NULL,
    counted      bigint NOT NULL,
    rejected     bigint NOT NULL,
    differences  jsonb NOT NULL,
    -- distinct ballots on votes_topic; null in verdicts given before it was noted
    published    bigint,
    -- a recount compares the ballots with the certified result, a reconciliation with everything else
    kind         text NOT NULL DEFAULT 'reconciliation' CHECK (kind IN ('reconciliation', 'recount'))
);
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'verdicts'::regclass AND attname = 'published') THEN
        ALTER TABLE verdicts ADD published bigint;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'verdicts'::regclass AND attname = 'kind') THEN
        ALTER TABLE verdicts ADD kind text NOT NULL DEFAULT 'reconciliation'
            CHECK (kind IN ('reconciliation', 'recount'));
    END IF;
END $$;

-- Which election a run of an Airflow DAG is about: pages beside a run are told its DAG and its id, and nothing else.
CREATE TABLE IF NOT EXISTS runs (
    dag_id       text NOT NULL,
    run_id       text NOT NULL,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    noted_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dag_id, run_id)
);

-- One row a validation of an election at a checkpoint; only the auditor writes and prunes them.
CREATE TABLE IF NOT EXISTS validations (
    validation_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    checkpoint   text NOT NULL CHECK (checkpoint IN ('electorate', 'casting', 'count', 'schedule')),
    validated_at timestamptz NOT NULL DEFAULT now(),
    -- no critical expectation failed
    ok           boolean NOT NULL,
    expectations int NOT NULL,
    failed       int NOT NULL,
    warnings     int NOT NULL,
    -- what failed: name, severity, sentence, rows, some keys; no personal data
    findings     jsonb NOT NULL,
    -- the report's path under the folder of the data docs
    report       text NOT NULL,
    -- what it took
    seconds      real NOT NULL DEFAULT 0
);
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'validations'::regclass AND attname = 'seconds') THEN
        ALTER TABLE validations ADD seconds real NOT NULL DEFAULT 0;
    END IF;
END $$;

-- What the public may see: no voter, no vote, no key.
CREATE OR REPLACE VIEW public_elections AS
    SELECT election_no, slug, scenario, name, polling_day, kind, series, state,
           registered_at, opened_at, closed_at, counted_at,
           (parameters ->> 'turnout')::float8 AS expected_turnout, decided_at
    FROM elections;
CREATE OR REPLACE VIEW public_parties AS
    SELECT election_no, abbreviation, name, colour FROM parties;
CREATE OR REPLACE VIEW public_contests AS
    SELECT election_no, contest_no, contest_id, name, region, country, declared_at, registered,
           official_valid, official_invalid
    FROM contests;
CREATE OR REPLACE VIEW public_candidates AS
    SELECT election_no, contest_no, candidate_no, given_name, family_name, gender, party, party_abbreviation,
           official_votes, photo
    FROM candidates;
CREATE OR REPLACE VIEW public_locations AS
    SELECT election_no, location_no, country, region, city FROM locations;
CREATE OR REPLACE VIEW public_registered_counts AS
    SELECT election_no, dimension, member, registered FROM registered_counts;
CREATE OR REPLACE VIEW public_verdicts AS
    SELECT election_no, verdict_no, given_at, ok, registered, stored, counted, rejected, differences, published, kind
    FROM verdicts;
CREATE OR REPLACE VIEW public_validations AS
    SELECT election_no, checkpoint, validated_at, ok, expectations, failed, report FROM validations;

-- Least privilege: stages write what they own, only the auditor gives verdicts, readers read.
GRANT USAGE ON SCHEMA public TO election_app, election_auditor, election_reader, election_dashboard;
GRANT SELECT, INSERT ON ballot_keys, parties, contests, candidates, locations, voters, votes TO election_app;
GRANT SELECT, INSERT, UPDATE ON elections TO election_app;
GRANT SELECT, INSERT, DELETE ON registered_counts TO election_app;
-- Who could take away a voter could take away the vote, and store another one in its place.
REVOKE UPDATE, DELETE ON ballot_keys, parties, contests, candidates, locations, voters FROM election_app;
REVOKE DELETE ON elections FROM election_app;
REVOKE UPDATE ON registered_counts FROM election_app;
GRANT SELECT, INSERT, UPDATE ON runs TO election_app;
-- Statistics after a bulk load, without which the planner takes an election's millions of rows for one.
GRANT MAINTAIN ON voters, votes TO election_app;
GRANT SELECT ON verdicts TO election_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO election_auditor, election_reader;
REVOKE SELECT ON ballot_keys FROM election_reader;
GRANT INSERT ON verdicts TO election_auditor;
GRANT INSERT, DELETE ON validations TO election_auditor;
GRANT SELECT ON
    public_elections, public_parties, public_contests, public_candidates, public_locations,
    public_registered_counts, public_verdicts, public_validations
    TO election_dashboard;
-- Who decided on an election, the result that was certified, and what keeps both as they are.
-- Run by the owner after schema.sql; safe to run again. Why it is done so: docs/decisions/0020-certification.md.

-- A row a decision. A refused election may be decided upon again, a certified one never.
CREATE TABLE IF NOT EXISTS certifications (
    certification_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    decision     text NOT NULL CHECK (decision IN ('certified', 'refused')),
    decided_by   text NOT NULL CHECK (decided_by ~ '\S'),
    reason       text NOT NULL CHECK (reason ~ '\S'),
    decided_at   timestamptz NOT NULL DEFAULT now(),
    verdict_no   bigint REFERENCES verdicts ON DELETE CASCADE,
    CHECK (decision = 'refused' OR verdict_no IS NOT NULL)
);

-- The certified result, frozen: a row a contest and a row a candidate, names included.
CREATE TABLE IF NOT EXISTS certified_contests (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    contest_no   int NOT NULL,
    contest_id   text NOT NULL,
    name         text NOT NULL,
    registered   bigint NOT NULL,
    valid        bigint NOT NULL,
    invalid      bigint NOT NULL,
    turnout      double precision NOT NULL GENERATED ALWAYS AS ((valid + invalid)::float8 / registered) STORED,
    PRIMARY KEY (election_no, contest_no)
);
CREATE TABLE IF NOT EXISTS certified_results (
    election_no  int NOT NULL REFERENCES elections ON DELETE CASCADE,
    contest_no   int NOT NULL,
    candidate_no int NOT NULL,
    candidate    text NOT NULL,
    party        text NOT NULL,
    votes        bigint NOT NULL,
    PRIMARY KEY (election_no, candidate_no)
);

-- An election goes one way, step by step, and only a decision makes it certified or refused.
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
        -- Where its ballots begin on the topic says nothing about the election, and changes with a topic made anew.
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
            USING HINT = 'The way is registered, open, closed, counted, then certified or refused.';
    END IF;
    -- Only in the functions below is the owner the current user of a session that is not the owner's.
    IF (NEW.state IN ('certified', 'refused') OR NEW.decided_at IS NOT NULL)
        AND current_user <> (SELECT relowner::regrole::text FROM pg_class WHERE oid = TG_RELID) THEN
        RAISE EXCEPTION 'Election % becomes % by a decision only.', NEW.slug, NEW.state
            USING HINT = 'Call certify(slug, by, reason) or refuse(slug, by, reason).';
    END IF;
    RETURN NEW;
END $$;

-- The rows of a certified election in the table that the trigger is on. It looks at elections, not at rows: once a
-- statement, with the advisory lock under which an election changes its state (storage/elections.py, _STATE_LOCK).
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
        -- FOR SHARE, so that a transaction with an older snapshot fails instead of not seeing the certification.
        SELECT slug, state INTO now_is FROM public.elections WHERE election_no = one FOR SHARE;
        IF now_is.state = 'certified' THEN
            RAISE EXCEPTION 'Election % is certified: its rows in % can no longer change.', now_is.slug, TG_TABLE_NAME
                USING HINT = 'A certified election stays as it is; register another one under another slug.';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- Verdicts and decisions are added, never changed; TRUNCATE would take certified elections with it.
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
        RETURN OLD;  -- goes with an election that is deleted
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

-- The election of that slug, which changes no more before this transaction ends, or why nothing can be decided on it.
CREATE OR REPLACE FUNCTION up_for_decision(the_slug text, by text, reason text) RETURNS public.elections
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    poll public.elections;
BEGIN
    IF coalesce(by, '') !~ '\S' OR coalesce(reason, '') !~ '\S' THEN
        RAISE EXCEPTION 'A decision on % needs who decides and a reason; neither may be empty.', the_slug;
    END IF;
    -- An older snapshot could miss ballots that are stored by now.
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
        RAISE EXCEPTION '% is %: only what is counted can be decided upon.', the_slug, poll.state
            USING HINT = 'Run the count and the reconciliation first.';
    END IF;
    RETURN poll;
END $$;

-- Certifies: the newest verdict must be ok and be about exactly the ballots that are stored. Freezes the result.
CREATE OR REPLACE FUNCTION certify(the_slug text, by text, reason text) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- as read_whole_elections: statistics may not know a young election yet
AS $$
DECLARE
    poll public.elections := public.up_for_decision(the_slug, by, reason);
    verdict public.verdicts;
    again text := format('Reconcile %s again: clear reconciliation.reconcile in its run.', the_slug);
    ballots bigint;
    last_cast timestamptz;
BEGIN
    SELECT * INTO verdict FROM public.verdicts WHERE election_no = poll.election_no ORDER BY verdict_no DESC LIMIT 1;
    IF verdict.verdict_no IS NULL THEN
        RAISE EXCEPTION '% cannot be certified: there is no verdict on it.', the_slug USING HINT = again;
    ELSIF NOT verdict.ok THEN
        RAISE EXCEPTION '% cannot be certified: the verdict of % is not ok, with % difference(s).',
            the_slug, verdict.given_at, jsonb_array_length(verdict.differences) USING HINT = again;
    END IF;
    INSERT INTO public.certified_results (election_no, contest_no, candidate_no, candidate, party, votes)
        SELECT election_no, contest_no, candidate_no, given_name || ' ' || family_name, party_abbreviation,
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
    SELECT max(cast_at) INTO last_cast FROM public.votes WHERE election_no = poll.election_no;
    IF (verdict.stored, verdict.counted) <> (ballots, ballots) OR verdict.given_at <= poll.counted_at
        OR verdict.given_at <= last_cast THEN
        RAISE EXCEPTION '% cannot be certified: the verdict of % is about % stored and % counted ballots, and % are'
            ' stored now, the last one at %.',
            the_slug, verdict.given_at, verdict.stored, verdict.counted, ballots, last_cast USING HINT = again;
    END IF;
    RETURN public.decided(poll.election_no, 'certified', by, reason, verdict.verdict_no);
END $$;

-- Refuses: possible with any verdict or none. The election can still be mended, reconciled and certified.
CREATE OR REPLACE FUNCTION refuse(the_slug text, by text, reason text) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    poll public.elections := public.up_for_decision(the_slug, by, reason);
BEGIN
    RETURN public.decided(poll.election_no, 'refused', by, reason,
        (SELECT max(verdict_no) FROM public.verdicts WHERE election_no = poll.election_no));
END $$;

REVOKE EXECUTE ON FUNCTION certify, refuse, decided, up_for_decision FROM PUBLIC;
GRANT EXECUTE ON FUNCTION certify, refuse TO election_app;

-- Triggers are made once: making one waits for every writer of the table, and all others for it. Their functions,
-- above, are put in place again each time.
DO $$
DECLARE
    place text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'goes_its_way' AND tgrelid = 'elections'::regclass) THEN
        CREATE TRIGGER goes_its_way BEFORE INSERT OR UPDATE OR DELETE ON elections
            FOR EACH ROW EXECUTE FUNCTION election_goes_its_way();
    END IF;
    FOREACH place IN ARRAY ARRAY['ballot_keys', 'parties', 'contests', 'candidates', 'locations', 'voters', 'votes',
                                 'registered_counts', 'certified_contests', 'certified_results'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgname = 'certified_insert' AND tgrelid = place::regclass);
        EXECUTE format('CREATE TRIGGER certified_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS changed
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_what_is_certified()', place);
        EXECUTE format('CREATE TRIGGER certified_update AFTER UPDATE ON %I
                        REFERENCING OLD TABLE AS changed NEW TABLE AS became
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_what_is_certified()', place);
        EXECUTE format('CREATE TRIGGER certified_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS changed
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_what_is_certified()', place);
    END LOOP;
    FOREACH place IN ARRAY ARRAY['verdicts', 'certifications'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgname = 'never_changed' AND tgrelid = place::regclass);
        EXECUTE format('CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION refuse_to_change_a_record()', place);
    END LOOP;
    FOREACH place IN ARRAY ARRAY['elections', 'ballot_keys', 'parties', 'contests', 'candidates', 'locations', 'voters',
                                 'votes', 'registered_counts', 'certified_contests', 'certified_results', 'verdicts',
                                 'certifications'] LOOP
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

GRANT SELECT ON certifications, certified_contests, certified_results
    TO election_app, election_auditor, election_reader;
GRANT SELECT ON public_certifications, public_certified_contests, public_certified_results
    TO election_auditor, election_reader, election_dashboard;
