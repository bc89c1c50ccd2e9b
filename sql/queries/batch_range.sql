-- The ids of a batch's jobs. $1 uuid account · $2 uuid batch → first, last; nothing where there is none
SELECT first, last FROM batch WHERE account = $1::uuid AND id = $2::uuid;
