import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { CONFIG_CHECK } from '#daemon/apps/config/tasks.ts';
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
