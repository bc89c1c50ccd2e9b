-- Its client does not want it any more; the first time counts.
-- $1 uuid account · $2 uuid id
UPDATE batch SET canceled_at = now() WHERE account = $1::uuid AND id = $2::uuid AND canceled_at IS NULL;
