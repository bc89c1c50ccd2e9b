-- Every account. No parameters → id, name, email, operator, plan
SELECT id, name, email, is_operator, plan FROM account ORDER BY created_at, id;
