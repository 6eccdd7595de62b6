import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { CONFIG_CHECK } from '#daemon/apps/config/tasks.ts';
import * as storage from '#daemon/apps/storage/tasks.ts';
import { MOVE } from '#daemon/media/moving/tasks.ts';
import { MEDIA_INSPECT } from '#daemon/media/vods/tasks.ts';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { patientLimit, WorkerPool } from './pool.ts';

test('a limit grows with the load, within bounds, in whole milliseconds', () => {
  assert.equal(patientLimit(5000, 0, 2), 5000);
  assert.equal(patientLimit(5000, 2, 2), 5000);
  assert.equal(patientLimit(5000, 3, 2), 7500);
  assert.equal(patientLimit(5000, 400, 2), 30_000);
  assert.equal(patientLimit(0, 400, 2), 0, 'no limit stays none');
  for (let load = 0; load < 20; load += 0.37) {
    const limit = patientLimit(CONFIG_CHECK.timeoutMs, load, 2);
    assert.doesNotThrow(() => AbortSignal.timeout(limit), `${limit} ms`);
  }
});

test('a task that cannot begin gives its place back', async (t) => {
  const pool = new WorkerPool();
  t.after(() => pool.close());
  const impossible = { ...CONFIG_CHECK, timeoutMs: 2 ** 40, concurrency: 1, queue: 0 };
  // with a place lost the second would be refused as one too many
  for (let i = 0; i < 2; i += 1) {
    await assert.rejects(pool.run(impossible, {}), { code: 'ERR_OUT_OF_RANGE' });
  }
});

test('threads load modules by import only, so that one ended while it loads does not take the daemon along', async (t) => {
  const pool = new WorkerPool();
  t.after(() => pool.close());
  const dir = await temporaryDir(t);
  await writeFile(path.join(dir, 'loaded.mjs'), 'export default 1;');
  const task = path.join(dir, 'task.mjs');
  await writeFile(
    task,
    `import { createRequire } from 'node:module';
     export default () => {
       try { createRequire(import.meta.url)('./loaded.mjs'); } catch (error) { return error.code; }
     };`,
  );
  const kind = { ...CONFIG_CHECK, module: pathToFileURL(task).href };
  assert.equal(await pool.run(kind, {}), 'ERR_REQUIRE_ESM');
});

test('work that waits for a storage has a share per team, or separate threads', () => {
  const { ROLE_CREDENTIALS, ...ofTeams } = storage;
  for (const kind of [...Object.values(ofTeams), MOVE, MEDIA_INSPECT])
    assert.ok(kind.isLong || (kind.perTeam ?? kind.concurrency) < kind.concurrency, kind.what);
});

test('work of one team that hangs leaves threads to others', async (t) => {
  const pool = new WorkerPool((app) => app.split('-')[0] as string);
  t.after(() => pool.close());
  const dir = await temporaryDir(t);
  const task = path.join(dir, 'hangs.mjs');
  await writeFile(
    task,
    'export default (gate) => { if (gate) Atomics.wait(new Int32Array(gate), 0, 0); return "done"; };',
  );
  const module = pathToFileURL(task).href;
  const kinds = [1, 2, 3].map(() => ({ ...storage.STORAGE_PROBE, module, timeoutMs: 0 }));
  const gate = new SharedArrayBuffer(4);
  const held = kinds.flatMap((kind) => [1, 2, 3, 4].map((n) => pool.run(kind, gate, { app: `slow-${n}` })));
  for (const kind of kinds) assert.equal(await pool.run(kind, null, { app: 'quick-1' }), 'done');
  assert.equal(await pool.run({ ...CONFIG_CHECK, module }, null, { app: 'slow-1' }), 'done', 'quick work of any team');
  // two slow teams hold all threads of their lane; what streams wait for has other threads
  held.push(...kinds.map((kind) => pool.run(kind, gate, { app: 'slower-1' })));
  const live = { ...storage.STORAGE_OBJECTS, module, timeoutMs: 0, queue: 4 };
  held.push(...[1, 2, 3, 4].map(() => pool.run(live, gate, { app: 'slow-1' })));
  await assert.rejects(
    pool.run(live, gate, { app: 'slow-2' }),
    { code: 'OVERLOADED' },
    'half of the queue is for others',
  );
  assert.equal(await pool.run(live, null, { app: 'quick-1' }), 'done');
  Atomics.store(new Int32Array(gate), 0, 1);
  Atomics.notify(new Int32Array(gate), 0);
  assert.equal((await Promise.all(held)).length, 19);
});
