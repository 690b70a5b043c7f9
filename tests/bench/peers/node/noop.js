// What every Node peer of the benchmark shares: the job, the proof that its
// handler ran, and the command line that bench.py speaks.
//
// A handler run leaves two 24-byte records in $REC/<pid>.rec: sequence (u64),
// CLOCK_MONOTONIC nanoseconds (u64), kind (u32), process (u32), little-endian.
// They are appended with one write when the handler ends.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { setTimeout: pause } = require('node:timers/promises');

const ENQUEUE = 0;
const START = 1;
const END = 2;
const RECORD_BYTES = 24;

/** A no-op job of about 200 bytes of JSON. */
exports.job = (sequence) => ({ sequence, padding: 'x'.repeat(164) });

/** The handler: does nothing, and proves it. */
exports.run = async (job) => {
  const both = Buffer.allocUnsafe(2 * RECORD_BYTES);
  entry(both, 0, job.sequence, START);
  entry(both, RECORD_BYTES, job.sequence, END);
  append(both);
};

/**
 * Does what the command line asks of a producer: `enqueue N [--bulk]` or
 * `enqueue-paced N --gap-ms G`.
 *
 * @param {(job: object) => Promise<unknown>} one enqueues a single job
 * @param {(jobs: object[]) => Promise<unknown>} many is the peer's bulk call
 * @param {number} batch how many jobs one bulk call carries
 */
exports.enqueue = async (one, many, batch) => {
  const [command, count, flag, gapMs] = process.argv.slice(2);
  const jobs = Number(count);
  if (command === 'enqueue-paced' && flag === '--gap-ms') return paced(one, jobs, Number(gapMs));
  if (command !== 'enqueue') throw new Error('usage: work | enqueue N [--bulk] | enqueue-paced N --gap-ms G');

  const began = process.hrtime.bigint();
  if (flag === '--bulk') {
    for (let first = 0; first < jobs; first += batch) {
      const size = Math.min(batch, jobs - first);
      await many(Array.from({ length: size }, (_, offset) => exports.job(first + offset)));
    }
  } else {
    for (let sequence = 0; sequence < jobs; sequence++) await one(exports.job(sequence));
  }
  console.log(JSON.stringify({ seconds: Number(process.hrtime.bigint() - began) / 1e9 }));
};

/** Ends the process with a readable message when a peer breaks. */
exports.fail = (error) => {
  console.error(error);
  process.exit(1);
};

/** Where Redis is, as ioredis and node-redis both take it. */
exports.redis = () => {
  const url = new URL(process.env.REDIS_URL);
  return { host: url.hostname, port: Number(url.port) };
};

async function paced(one, jobs, gapMs) {
  const record = Buffer.allocUnsafe(RECORD_BYTES);
  for (let sequence = 0; sequence < jobs; sequence++) {
    entry(record, 0, sequence, ENQUEUE);
    append(record);
    await one(exports.job(sequence));
    await pause(gapMs);
  }
}

let file;

function append(bytes) {
  file ??= fs.openSync(path.join(process.env.REC, `${process.pid}.rec`), 'a');
  fs.writeSync(file, bytes);
}

// hrtime is CLOCK_MONOTONIC on Linux, so records of all processes compare.
function entry(buffer, at, sequence, kind) {
  buffer.writeBigUInt64LE(BigInt(sequence), at);
  buffer.writeBigUInt64LE(process.hrtime.bigint(), at + 8);
  buffer.writeUInt32LE(kind, at + 16);
  buffer.writeUInt32LE(process.pid, at + 20);
}
