// One worker process with a task that does nothing: `drain` works until no job is left and
// reports how long that took, `serve` works until its parent sends stop.
import { run, runOnce } from "graphile-worker";
import { logger, preset } from "./settings.js";

const [, , how, name, concurrency] = process.argv;
const options = {
  preset: preset(name, Number(concurrency)),
  logger,
  noHandleSignals: true,
  taskList: { noop: () => {} },
};

if (how === "drain") {
  const begun = performance.now();
  await runOnce(options);
  process.send({ seconds: (performance.now() - begun) / 1000 });
  process.exit(0);
}
const runner = await run(options);
process.send("up");
process.on("message", async () => {
  await runner.stop();
  process.exit(0);
});
