-- The flush's first lock: the sessions it claims for, so that none of them can expire before the
-- claims commit.
-- $1 bigint[] sessions claimed for · $2 bigint this broker · $3 bigint[] sessions jobs are born to
SELECT id FROM session WHERE id = ANY ($1::bigint[] || $3::bigint[]) AND broker = $2::bigint
ORDER BY id FOR KEY SHARE;
