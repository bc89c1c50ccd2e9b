-- Batches and pauses.

-- Many jobs asked for at once. The ids of its jobs are the range [first, last], made when the batch
-- is and used for nothing else: no index is needed to find them, in job, in live or in done.
CREATE TABLE batch (
    id          uuid NOT NULL,
    account     uuid NOT NULL,
    key         uuid NOT NULL,
    first       uuid NOT NULL,
    last        uuid NOT NULL,
    jobs        integer NOT NULL CHECK (jobs > 0),
    canceled_at timestamptz,                         -- when its client had it canceled
    PRIMARY KEY (account, id)
);
DROP INDEX live_batch;
ALTER TABLE live DROP COLUMN batch;

-- What the operator holds back: jobs of a site, a pool or an account are not started. Every change
-- bumps the epoch 'pause'.
CREATE TABLE pause (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('site', 'pool', 'account')),
    subject    text NOT NULL,                        -- a site's name, a pool's, or an account's id as uuid
    reason     text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (kind, subject)
);
