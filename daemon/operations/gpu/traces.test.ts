import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, it } from 'node:test';
import { hasGpuTraces } from './traces.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'streamhub-traces-'));
after(() => rmSync(root, { recursive: true, force: true }));
const folder = (name: string, file?: string): string => {
  const dir = path.join(root, name);
  mkdirSync(dir);
  if (file) writeFileSync(path.join(dir, file), '');
  return dir;
};

it('sees an executable nvidia-smi on the path, or a render node', async () => {
  const none = folder('none');
  const tools = folder('tools', 'nvidia-smi');
  assert.equal(await hasGpuTraces(`${none}${path.delimiter}${tools}`, none), false, 'not executable');
  chmodSync(path.join(tools, 'nvidia-smi'), 0o755);
  assert.equal(await hasGpuTraces(`${none}${path.delimiter}${tools}`, none), true);
  assert.equal(await hasGpuTraces('', folder('cards', 'card0')), false);
  assert.equal(await hasGpuTraces('', folder('nodes', 'renderD128')), true);
  assert.equal(await hasGpuTraces('', path.join(root, 'missing')), false);
});
