-- Jobs that run on other brokers' workers, of accounts that may have a running limit.
-- $1 bigint this broker → account, how many
SELECT l.account, count(*)
FROM session s
CROSS JOIN LATERAL (SELECT account FROM live
                    WHERE session = s.id AND lease_id IS NOT NULL
                    OFFSET 0) l
WHERE s.broker <> $1::bigint
GROUP BY l.account;
