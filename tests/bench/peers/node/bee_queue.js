// bee-queue as a peer: one worker process with concurrency 100.
'use strict';

const Queue = require('bee-queue');
const noop = require('./noop');

const CONCURRENCY = 100;
const BULK = 1000;
const QUEUE = 'bench';

async function main() {
  const redis = noop.redis();
  if (process.argv[2] === 'work') {
    const queue = new Queue(QUEUE, { redis });
    queue.on('error', (error) => console.error(error.message));
    queue.process(CONCURRENCY, (job) => noop.run(job.data));
    return;
  }
  const queue = new Queue(QUEUE, { redis, isWorker: false, getEvents: false });
  await queue.ready();
  await noop.enqueue(
    (job) => queue.createJob(job).save(),
    (jobs) => queue.saveAll(jobs.map((job) => queue.createJob(job))),
    BULK,
  );
  await queue.close();
}

main().catch(noop.fail);
