-- The end of it; a WARNING here means that nobody knows.
COMMIT;
