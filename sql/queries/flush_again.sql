-- A flush that runs again because its first commit is uncertain writes at least this, so that its
-- own commit waits for whatever the first one did not wait for (synchronous replicas).
SELECT pg_logical_emit_message(true, 'fetchmedia', 'again');
