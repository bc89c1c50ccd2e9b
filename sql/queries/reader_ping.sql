-- Does this connection still answer?
SELECT 1;
