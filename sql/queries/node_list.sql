-- Every node. No parameters → id, name, public key, state, sessions
SELECT id, name, public_key, state, (SELECT count(*) FROM session WHERE session.node = node.id)
FROM node ORDER BY created_at, id;
