-- A batch comes to be, first in the transaction that copies its jobs: one that stands already was
-- committed by an earlier try, and one still under way is waited for.
-- $1 uuid id · $2 uuid account · $3 uuid key · $4 uuid first · $5 uuid last · $6 integer jobs
-- → a row, if it is new
INSERT INTO batch (id, account, key, first, last, jobs)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::integer)
ON CONFLICT (account, id) DO NOTHING
RETURNING jobs;
