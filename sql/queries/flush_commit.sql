-- The end of a flush; a WARNING here means that nobody knows.
COMMIT;
