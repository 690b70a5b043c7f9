// BullMQ as a peer: one worker process with concurrency 100.
'use strict';

const { Queue, Worker } = require('bullmq');
const noop = require('./noop');

const CONCURRENCY = 100;
const BULK = 1000;
const QUEUE = 'bench';

async function main() {
  const connection = noop.redis();
  if (process.argv[2] === 'work') {
    const worker = new Worker(QUEUE, (job) => noop.run(job.data), { connection, concurrency: CONCURRENCY });
    worker.on('error', (error) => console.error(error.message));
    return;
  }
  const queue = new Queue(QUEUE, { connection });
  await queue.waitUntilReady();
  await noop.enqueue(
    (job) => queue.add('noop', job),
    (jobs) => queue.addBulk(jobs.map((data) => ({ name: 'noop', data }))),
    BULK,
  );
  await queue.close();
}

main().catch(noop.fail);
