import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { testBackground } from '#test/helpers/background.ts';
import { type Identity, layoutOf, makeFolders } from './layout.ts';
import { isAlive, signal } from './process-table.ts';
import { createSupervisor } from './supervisor.ts';

test('a plain process is started apart, found again, its log kept within bounds', async (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'streamhub-supervisor-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const layout = layoutOf(root);
  makeFolders(layout);
  const binary = path.join(root, 'bin', 'server');
  writeFileSync(binary, '#!/bin/sh\necho "started with $*"\nexec sleep 1000\n', { mode: 0o755 });
  const identity = { supervisor: 'child', livekit: { binary } } as Identity;
  const supervisor = createSupervisor(identity, layout, testBackground());
  assert.equal(await supervisor.find(null), null);
  const ref = await supervisor.start();
  assert.ok(ref && isAlive(ref));
  t.after(() => signal(ref, 'SIGKILL'));
  assert.deepEqual(await createSupervisor(identity, layout, testBackground()).find(ref), ref, 'by another agent too');
  while (!readFileSync(layout.livekitLog, 'utf8').includes(`started with --config ${layout.livekitConfig}`)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  truncateSync(layout.livekitLog, 21 * 1024 * 1024);
  await supervisor.find(ref);
  assert.equal(statSync(layout.livekitLog).size, 0);
  assert.equal(statSync(`${layout.livekitLog}.1`).size, 21 * 1024 * 1024);
  await supervisor.terminate(ref, true);
  while (isAlive(ref)) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(await supervisor.find(ref), null);
});
