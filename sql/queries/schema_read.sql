-- The newest migration applied, 0 for none; and whether the table is there at all. No parameters.
SELECT coalesce(max(number), 0) FROM schema_version;
