-- Counters that rise when others must read again → name, value
SELECT name, value FROM epoch;
