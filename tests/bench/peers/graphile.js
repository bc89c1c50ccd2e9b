// graphile-worker driven by commands: one JSON object a line comes, {"do": name, …}, and one goes
// for each, with what was measured.
import { fork } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { logger, preset, url } from "./settings.js";

const OUTSTANDING_MAX = 64;
const BATCH = 1000;
const CONCURRENCY = 24;
const DRAINED_LOOK_MS = 5;
const TABLE = "graphile_worker._private_jobs";

const pool = new pg.Pool({ connectionString: url, max: OUTSTANDING_MAX });
pool.on("error", console.error);
pool.on("connect", (client) => client.on("error", console.error));
const utils = await makeWorkerUtils({ pgPool: pool, logger });
await utils.migrate();

const secondsOf = async (work) => {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
};

// Calls until `isOver`, so many of them under way at once.
const inParallel = async (outstanding, isOver, call) => {
  const line = async () => {
    while (!isOver()) await call();
  };
  await Promise.all(Array.from({ length: outstanding }, line));
};

const times = (count) => () => count-- <= 0;

const addOne = (payload) => () => utils.addJob("noop", payload);

const addBatches = (count, payload) => {
  const jobs = Array.from({ length: BATCH }, () => ({ identifier: "noop", payload }));
  return inParallel(2, times(count / BATCH), () => utils.addJobs(jobs));
};

const isEmpty = async () => (await pool.query(`SELECT 1 FROM ${TABLE} LIMIT 1`)).rowCount === 0;

const workers = (count, how) =>
  Array.from({ length: count }, () =>
    fork(new URL("./worker.js", import.meta.url).pathname, [how, "batch", CONCURRENCY]),
  );

const received = (child) => new Promise((resolve) => child.once("message", resolve));
const ended = (child) => new Promise((resolve) => child.once("exit", resolve));

const commands = {
  // As a session of this side has it.
  async settings({ names }) {
    const read = async (name) => (await pool.query(`SHOW ${name}`)).rows[0][name];
    return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await read(name)])));
  },

  async empty() {
    await pool.query(`TRUNCATE ${TABLE}`);
    await pool.query("CHECKPOINT");
    return {};
  },

  async enqueue({ seconds, outstanding, payload }) {
    const begun = performance.now();
    const isOver = () => performance.now() - begun > seconds * 1000;
    let count = 0;
    const taken = await secondsOf(() =>
      inParallel(outstanding, isOver, async () => {
        await addOne(payload)();
        count++;
      }),
    );
    return { perSecond: count / taken };
  },

  async drain({ count, processes, payload }) {
    await addBatches(count, payload);
    await pool.query(`VACUUM ANALYZE ${TABLE}`);
    const results = await Promise.all(workers(processes, "drain").map(received));
    if (!(await isEmpty())) throw new Error("jobs are left");
    return { seconds: Math.max(...results.map(({ seconds }) => seconds)) };
  },

  // From the first job added until none is left; `outstanding` 0 adds them in batches.
  async lifecycle({ count, processes, outstanding, payload }) {
    const children = workers(processes, "serve");
    await Promise.all(children.map(received));
    await sleep(300);
    const seconds = await secondsOf(async () => {
      if (outstanding === 0) await addBatches(count, payload);
      else await inParallel(outstanding, times(count), addOne(payload));
      while (!(await isEmpty())) await sleep(DRAINED_LOOK_MS);
    });
    const over = children.map(ended);
    for (const child of children) child.send("stop");
    await Promise.all(over);
    return { seconds };
  },

  // From the call of addJob until the task runs, one after the other, in one process.
  async latency({ count, presetName, pauseMs, payload }) {
    let start;
    const runner = await run({
      preset: preset(presetName, 4),
      logger,
      noHandleSignals: true,
      taskList: { start: () => start(performance.now()) },
    });
    await sleep(300);
    const taken = [];
    while (taken.length < count) {
      const started = new Promise((resolve) => (start = resolve));
      const called = performance.now();
      await utils.addJob("start", payload);
      taken.push((await started) - called);
      await sleep(pauseMs);
    }
    await runner.stop();
    return { times: taken };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  console.log(JSON.stringify(await commands[command.do](command)));
}
await utils.release();
await pool.end();
