-- One migrator at a time; held until its connection ends. No parameters.
SELECT pg_advisory_lock(7305804402438496324);
