import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { LogTail } from './log-tail.ts';

test('lines have the level of what they say', async (t) => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'streamhub-tail-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = path.join(dir, 'log');
  writeFileSync(file, 'from before\n');
  const tail = new LogTail(file);
  assert.deepEqual(await tail.read(), []);
  const lines = [
    ['debug', '8:C 29 Nov 2026 21:27:46.730 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo'],
    ['debug', '8:C 29 Nov 2026 21:27:46.730 # Redis version=7.0.15, bits=64, pid=8, just started'],
    ['debug', '8:C 29 Nov 2026 21:27:46.730 # Configuration loaded'],
    ['debug', '8:M 29 Nov 2026 21:27:46.731 # Server initialized'],
    ['warn', '8:M 29 Nov 2026 21:27:46.731 # WARNING Memory overcommit must be enabled!'],
    ['debug', '8:M 29 Nov 2026 21:27:46.735 * Ready to accept connections'],
    ['warn', '8:M 29 Nov 2026 21:27:49.261 # Failed listening on port 16399 (TCP), aborting.'],
  ] as const;
  appendFileSync(file, lines.map(([, line]) => `${line}\n`).join(''));
  appendFileSync(file, '{"level":"info","msg":"room started"}\n{"level":"error","msg":"no","error":"why"}\n');
  assert.deepEqual(await tail.read(), [
    ...lines.map(([level, message]) => ({ level, message })),
    { level: 'debug', message: 'room started' },
    { level: 'error', message: 'no: why' },
  ]);
});
