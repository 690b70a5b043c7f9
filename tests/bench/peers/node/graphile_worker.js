// graphile-worker as a peer: jobs in Postgres, one worker process.
//
// The backlog is drained with its fastest settings: concurrency 24, a local
// queue of 500 and completions batched without delay. `work --prompt` leaves
// the local queue out (concurrency 10), which starts a single job sooner.
'use strict';

const { Logger, makeWorkerUtils, run } = require('graphile-worker');
const noop = require('./noop');

const BULK = 500;
const THROUGHPUT = {
  concurrentJobs: 24,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};
const PROMPT = { concurrentJobs: 10 };

async function main() {
  const connectionString = process.env.DATABASE_URL;
  const logger = new Logger(() => () => {});
  if (process.argv[2] === 'work') {
    const settings = process.argv[3] === '--prompt' ? PROMPT : THROUGHPUT;
    const runner = await run({
      connectionString,
      logger,
      taskList: { noop: (job) => noop.run(job) },
      preset: { worker: settings },
    });
    return runner.promise;
  }
  const utils = await makeWorkerUtils({ connectionString, logger });
  if (process.argv[2] === 'prepare') {
    await utils.migrate();
  } else {
    await noop.enqueue(
      (job) => utils.addJob('noop', job),
      (jobs) => utils.addJobs(jobs.map((payload) => ({ identifier: 'noop', payload }))),
      BULK,
    );
  }
  await utils.release();
}

main().catch(noop.fail);
