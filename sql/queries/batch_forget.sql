-- Batches of whose jobs nothing is left. $1 uuid the smallest id that may be
DELETE FROM batch WHERE last < $1::uuid;
