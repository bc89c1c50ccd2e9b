-- Does anything of the jobs below this id still count: one that lives, a file that is kept?
-- $1 uuid → whether it does
SELECT EXISTS (SELECT FROM live WHERE id < $1::uuid) OR EXISTS (SELECT FROM file WHERE job < $1::uuid);
