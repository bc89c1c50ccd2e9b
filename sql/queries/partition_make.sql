-- Partitions from yesterday to eight days ahead, those that are missing. No parameters → how many were made
SELECT partition_make(current_date - 1, current_date + 8);
