// graphile-worker as it is fastest: `batch` keeps 500 jobs at hand and completes what has ended
// together; `plain` starts one job soonest. Logging is off.
import { Logger } from "graphile-worker";

export const url = process.env.DATABASE_URL;
export const logger = new Logger(() => () => {});

const presets = {
  plain: {},
  batch: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
};

export const preset = (name, concurrency) => ({
  worker: {
    connectionString: url,
    concurrentJobs: concurrency,
    maxPoolSize: concurrency + 2,
    logger,
    ...presets[name],
  },
});
