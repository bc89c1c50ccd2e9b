-- Leased a minute past their deadline on a session of mine.
-- $1 bigint this broker → account, id, lease
SELECT l.account, l.id, l.lease_id
FROM session s
CROSS JOIN LATERAL (SELECT account, id, lease_id FROM live
                    WHERE session = s.id AND lease_id IS NOT NULL
                      AND deadline < now() - interval '1 minute'
                    OFFSET 0) l
WHERE s.broker = $1::bigint;
