-- The whole schema of the first version. PostgreSQL is the only truth; see broker/queue/queue.c for how rows move.

-- Counters that say "look again": bumped under their row lock, compared by inequality, never by order.
CREATE TABLE epoch (
    name  text PRIMARY KEY,
    value bigint NOT NULL DEFAULT 1
);
INSERT INTO epoch (name) VALUES ('node'), ('key'), ('pause'), ('account');

-- Proof that a broker holds the secrets this database was made with; never a secret itself.
CREATE TABLE secret_check (
    name   text PRIMARY KEY,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32)
);

CREATE TABLE account (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    email       text NOT NULL,
    password    text NOT NULL,                       -- argon2id
    is_operator boolean NOT NULL DEFAULT false,
    plan        text NOT NULL DEFAULT 'trial' CHECK (plan IN ('trial', 'production')),
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX account_email ON account (lower(email));

CREATE TABLE api_key (
    id         uuid PRIMARY KEY,
    account    uuid NOT NULL REFERENCES account,
    name       text NOT NULL,
    digest     bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),  -- HMAC-SHA256 by the pepper
    pepper     smallint NOT NULL,
    last4      text NOT NULL,
    scopes     smallint NOT NULL,                    -- bits: 1 video:fetch, 2 video:process, 4 operator
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_key_account ON api_key (account);

CREATE TABLE node (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    public_key text NOT NULL UNIQUE CHECK (length(public_key) = 40),     -- CURVE, Z85
    state      text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'revoked')),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- One boot of one worker.
CREATE TABLE session (
    id     bigint PRIMARY KEY,
    node   uuid NOT NULL REFERENCES node,
    boot   bigint NOT NULL,
    broker bigint NOT NULL,                          -- the boot of the broker it is attached to
    beat   bigint NOT NULL,
    UNIQUE (node, boot)
);

-- What was asked; never changed.
CREATE TABLE job (
    id       uuid NOT NULL,
    account  uuid NOT NULL,
    key      uuid NOT NULL,
    type     smallint NOT NULL,
    site     smallint NOT NULL,
    batch    uuid,
    retry_of uuid,
    spec     bytea NOT NULL,                         -- proto/spec.def, packed
    PRIMARY KEY (account, id)
) PARTITION BY RANGE (id);

-- One slim row until it ends. Where a job's row is, is its state; there is no other state.
CREATE TABLE live (
    id           uuid NOT NULL,
    account      uuid NOT NULL,
    pool         text NOT NULL,                      -- placement:class
    lane         smallint NOT NULL,
    site         smallint NOT NULL,
    batch        uuid,
    avoid        uuid,                               -- the node of the last loss or crash
    max_tries    smallint NOT NULL,
    tries        smallint NOT NULL DEFAULT 0,
    losses       smallint NOT NULL DEFAULT 0,
    crashes      smallint NOT NULL DEFAULT 0,
    starts       smallint NOT NULL DEFAULT 0,
    timeout_s    integer NOT NULL,
    expires_s    integer NOT NULL,
    run_at       timestamptz NOT NULL,
    lease_id     bigint,
    session      bigint,
    started_at   timestamptz,                        -- of the running attempt
    deadline     timestamptz,
    progress     bytea,                              -- messages.def: progress, packed
    PRIMARY KEY (id, account),
    CHECK ((lease_id IS NULL) = (session IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX live_next ON live (pool, lane, account, run_at, id) WHERE lease_id IS NULL;
CREATE INDEX live_session ON live (session) WHERE lease_id IS NOT NULL;
CREATE INDEX live_batch ON live (batch) WHERE batch IS NOT NULL;

-- How it ended; the first row is the only one.
CREATE TABLE done (
    id           uuid NOT NULL,
    account      uuid NOT NULL,
    outcome      smallint NOT NULL,                  -- state.def
    error        integer NOT NULL DEFAULT 0,         -- error.def
    detail       text,                               -- for the operator, never for the client
    lease_id     bigint,                             -- the attempt that ended it; cancel writes none
    node         uuid,
    starts       smallint NOT NULL,
    max_tries    smallint NOT NULL,
    started_at   timestamptz,
    completed_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    result       bytea,                              -- messages.def: result, packed
    PRIMARY KEY (account, id)
) PARTITION BY RANGE (id);

-- An object that outlives its attempt; its key in the store is account/job/lease/name.
CREATE TABLE file (
    id           uuid PRIMARY KEY,
    account      uuid NOT NULL,
    job          uuid NOT NULL,
    lease_id     bigint NOT NULL,
    name         text NOT NULL,
    extension    text NOT NULL,
    content_type text NOT NULL,
    size_bytes   bigint NOT NULL,
    sha256       bytea NOT NULL CHECK (octet_length(sha256) = 32),
    expires_at   timestamptz NOT NULL,
    UNIQUE (account, job, lease_id, name)
);
CREATE INDEX file_expires ON file (expires_at);

-- Makes the daily partitions [first day, last day] of job and done that are missing: bounds are the smallest
-- UUIDv7 of each day.
CREATE FUNCTION partition_make(first_day date, last_day date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    day  date;
    made integer := 0;
    lo   uuid;
    hi   uuid;
    t    text;
BEGIN
    FOR day IN SELECT generate_series(first_day, last_day, interval '1 day')::date LOOP
        lo := (lpad(to_hex((extract(epoch FROM day) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
        hi := (lpad(to_hex((extract(epoch FROM day + 1) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
        FOREACH t IN ARRAY ARRAY['job', 'done'] LOOP
            IF to_regclass(format('%I', t || '_' || to_char(day, 'YYYYMMDD'))) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                               t || '_' || to_char(day, 'YYYYMMDD'), t, lo, hi);
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
SELECT partition_make(current_date - 1, current_date + 8);
