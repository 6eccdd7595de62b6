import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { readGpus } from './gpu.ts';

test('figures come from nvidia-smi, else from render nodes, without lspci', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'streamhub-gpus-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const nvidiaSmi = path.join(folder, 'nvidia-smi');
  writeFileSync(
    nvidiaSmi,
    "#!/bin/sh\necho 'Tesla T4, 42, 1024, 15360, 61'\necho 'NVIDIA A2, [N/A], [N/A], 15356, 40'\n",
  );
  chmodSync(nvidiaSmi, 0o755);
  assert.deepEqual(await readGpus({ nvidiaSmi, driDir: folder }), [
    { name: 'Tesla T4', utilization: 0.42, memoryUsedBytes: 2 ** 30, memoryTotalBytes: 15 * 2 ** 30, temperature: 61 },
    { name: 'NVIDIA A2', memoryTotalBytes: 15_356 * 2 ** 20, temperature: 40 },
  ]);
  const missing = path.join(folder, 'nothing');
  writeFileSync(path.join(folder, 'renderD128'), '');
  const found = await readGpus({ nvidiaSmi: missing, vainfo: missing, driDir: folder });
  assert.deepEqual(found, [{ name: path.join(folder, 'renderD128').slice(0, 64) }]);
  assert.deepEqual(await readGpus({ nvidiaSmi: missing, vainfo: missing, driDir: missing }), []);
});
