-- Which types of jobs a batch has. $1 uuid account · $2 uuid batch · $3 smallint fetch
-- $4 smallint process → one row if there is such a batch: has fetch jobs, has process jobs
SELECT EXISTS (SELECT FROM job j WHERE j.account = b.account AND j.id >= b.first AND j.id <= b.last
               AND j.type = $3::smallint),
       EXISTS (SELECT FROM job j WHERE j.account = b.account AND j.id >= b.first AND j.id <= b.last
               AND j.type = $4::smallint)
FROM batch b WHERE b.account = $1::uuid AND b.id = $2::uuid;
