-- A waiting job whose site is paused comes up again later; the time it waits for is not its own.
ALTER TABLE live ADD COLUMN is_deferred boolean NOT NULL DEFAULT false;
