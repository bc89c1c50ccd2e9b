-- Rows of files whose bytes are gone. $1 uuid[] ids
DELETE FROM file WHERE id = ANY ($1::uuid[]);
