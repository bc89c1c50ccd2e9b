-- The set of nodes → id, name, public key, whether it is revoked
SELECT id, name, public_key, state = 'revoked' FROM node;
