-- Counters that say "look again" → name, value
SELECT name, value FROM epoch;
