-- One broker at a time drops partitions; held until its connection ends. No parameters → whether it is ours
SELECT pg_try_advisory_lock(7305804402438496325);
