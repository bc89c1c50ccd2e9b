-- $1 uuid id · $2 text name · $3 text email · $4 text argon2id hash · $5 bool operator · $6 text plan → id, or
-- nothing when the email is taken
INSERT INTO account (id, name, email, password, is_operator, plan)
VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::boolean, $6::text)
ON CONFLICT (lower(email)) DO NOTHING
RETURNING id;
