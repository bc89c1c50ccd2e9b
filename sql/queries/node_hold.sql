-- Two boots of one node attach one after the other: each then sees whether a higher one is there.
-- $1 uuid[] nodes
SELECT id FROM node WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE;
