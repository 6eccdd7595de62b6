import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacedRead } from './paced-read.ts';

test('however often it expires, callers share few reads, and nobody gets an answer from before', async () => {
  let reads = 0;
  const read = new PacedRead(async () => ++reads, { freshMs: 60_000, paceMs: 20 });
  assert.deepEqual(await Promise.all([read.get(), read.get()]), [1, 1]);
  assert.equal(await read.get(), 1, 'fresh');
  const answers: Promise<number>[] = [];
  for (let n = 0; n < 50; n += 1) {
    read.expire();
    answers.push(read.get());
  }
  assert.deepEqual(new Set(await Promise.all(answers)), new Set([2]));
  assert.equal(reads, 2);
});

test('an answer that was asked for before something changed is given to nobody who asks afterwards', async () => {
  const gates = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  let reads = 0;
  const read = new PacedRead(() => (gates[reads++] as PromiseWithResolvers<string>).promise, {
    freshMs: 60_000,
    paceMs: 1,
  });
  const before = read.get();
  read.expire();
  const afterwards = read.get();
  gates[1]?.resolve('new');
  assert.equal(await afterwards, 'new');
  gates[0]?.resolve('old');
  assert.equal(await before, 'old');
  assert.equal(await read.get(), 'new');
});

test('a failure is told to those who waited, and not kept', async () => {
  let reads = 0;
  const read = new PacedRead(
    async () => {
      reads += 1;
      if (reads === 1) throw new Error('away');
      return reads;
    },
    { freshMs: 60_000, paceMs: 1 },
  );
  await assert.rejects(read.get(), /away/);
  assert.equal(await read.get(), 2);
});
