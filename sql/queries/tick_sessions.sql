-- Every session, for the observers' round → id, broker, beat, boot, node
SELECT id, broker, beat, boot, node FROM session;
