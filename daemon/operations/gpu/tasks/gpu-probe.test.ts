import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { Value } from 'typebox/value';
import { GpuStatus } from '#shared/schema/gpu.ts';
import probeGpu, { parseNvidiaSmi, parseVainfo } from './gpu-probe.ts';

const fixtures = path.join(import.meta.dirname, '../../../../test/fixtures/nvidia-smi');
const root = mkdtempSync(path.join(os.tmpdir(), 'streamhub-gpu-'));
after(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
/** An executable with the given shell text, alone in a separate folder. */
function program(name: string, script: string): string {
  const dir = path.join(root, String(count++));
  mkdirSync(dir);
  const file = path.join(dir, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}
const printing = (name: string, status = 0): string =>
  program('nvidia-smi', `cat '${path.join(fixtures, `${name}.txt`)}'\nexit ${status}`);
const missing = path.join(root, 'none', 'nvidia-smi');
const emptyDir = path.join(root, 'dri-empty');
mkdirSync(emptyDir);
function driWith(...names: string[]): string {
  const dir = path.join(root, `dri-${count++}`);
  mkdirSync(dir);
  for (const name of names) writeFileSync(path.join(dir, name), '');
  return dir;
}

describe('parseNvidiaSmi', () => {
  it('reads every recorded machine', () => {
    const summary = Object.fromEntries(
      readdirSync(fixtures)
        .filter((file) => file.endsWith('.txt'))
        .map((file) => {
          const { devices, driver } = parseNvidiaSmi(readFileSync(path.join(fixtures, file), 'utf8'));
          const cards = devices.map(
            (d) => `${d.index ?? '-'}|${d.name}|${d.memoryMiB ?? '-'}|${d.canEncode ? 'enc' : 'no-enc'}`,
          );
          return [file.replace('.txt', ''), [driver ?? '-', ...cards].join(' ; ')];
        }),
    );
    assert.deepEqual(summary, {
      'a100-mig-slice': '525.125.06 ; 0|NVIDIA A100-SXM4-40GB MIG 1g.5gb|-|no-enc',
      'a100-x4': `535.161.08${[0, 1, 2, 3].map((i) => ` ; ${i}|NVIDIA A100-SXM4-40GB|40960|no-enc`).join('')}`,
      'driver-mismatch': '-',
      empty: '-',
      'gb10-unified-memory': '580.95.05 ; 0|NVIDIA GB10|-|enc',
      'geforce-rtx-4070': '550.120 ; 0|NVIDIA GeForce RTX 4070|12282|enc',
      'h100-and-l4': '550.90.07 ; 0|NVIDIA H100 PCIe|81559|no-enc ; 1|NVIDIA L4|23034|enc',
      'h100-x2': '550.54.15 ; 0|NVIDIA H100 80GB HBM3|81559|no-enc ; 1|NVIDIA H100 80GB HBM3|81559|no-enc',
      'lost-fields': '390.157 ; -|NVIDIA GeForce GTX 1080 Ti|11264|enc ; 1|NVIDIA GeForce GTX 1080 Ti|11264|enc',
      'mixed-crlf': '470.256.02 ; 0|Quadro P2000|5059|enc ; 1|NVIDIA RTX A4000|16376|enc',
      'no-devices': '-',
      'no-driver': '-',
      'tesla-t4': '535.183.01 ; 0|Tesla T4|15360|enc',
    });
  });

  it('tells cards without NVENC from those whose names look alike', () => {
    const canEncode = (name: string) => parseNvidiaSmi(`0, ${name}, 1, 1`).devices[0]?.canEncode;
    for (const name of [
      'NVIDIA A30',
      'NVIDIA H200',
      'NVIDIA GH200 480GB',
      'NVIDIA B200',
      'NVIDIA GeForce MX450',
      'NVIDIA GeForce GT 1030',
    ]) {
      assert.equal(canEncode(name), false, name);
    }
    for (const name of [
      'NVIDIA A10',
      'NVIDIA RTX A3000',
      'NVIDIA A40',
      'NVIDIA L40S',
      'NVIDIA GeForce GTX 1650',
      'Tesla V100-SXM2-16GB',
    ]) {
      assert.equal(canEncode(name), true, name);
    }
  });
});

describe('probeGpu', () => {
  it('answers a machine with a GeForce card', async () => {
    const status = await probeGpu({ nvidiaSmi: printing('geforce-rtx-4070'), driDir: emptyDir });
    assert.ok(Value.Check(GpuStatus, status));
    assert.equal(status.type, 'nvidia');
    assert.equal(status.available, true);
    assert.equal(status.driver, '550.120');
    assert.equal(status.canEncode, true);
    assert.deepEqual(status.devices, [
      { kind: 'nvidia', name: 'NVIDIA GeForce RTX 4070', canEncode: true, index: 0, memoryMiB: 12282 },
    ]);
  });

  it('says that a card without NVENC cannot encode, and which one can', async () => {
    const compute = await probeGpu({ nvidiaSmi: printing('h100-x2'), driDir: emptyDir });
    assert.equal(compute.available, true);
    assert.equal(compute.canEncode, false);
    assert.match(compute.detail, /no video encoder \(NVENC\)/);
    const mixed = await probeGpu({ nvidiaSmi: printing('h100-and-l4'), driDir: emptyDir });
    assert.equal(mixed.canEncode, true);
    assert.match(mixed.detail, /Only NVIDIA L4 can encode/);
  });

  it('prefers NVIDIA over render nodes', async () => {
    const status = await probeGpu({ nvidiaSmi: printing('tesla-t4'), driDir: driWith('renderD128') });
    assert.equal(status.type, 'nvidia');
  });

  it('passes no shell and the exact query', async () => {
    const file = program('nvidia-smi', `printf '%s\\n' "$@" > "$(dirname "$0")/args"; echo '0, X, 1, 2'`);
    await probeGpu({ nvidiaSmi: file, driDir: emptyDir });
    assert.equal(
      readFileSync(path.join(path.dirname(file), 'args'), 'utf8'),
      '--query-gpu=index,name,memory.total,driver_version\n--format=csv,noheader,nounits\n',
    );
  });

  for (const [name, status, expected] of [
    ['driver-mismatch', 18, /nvidia-smi failed \(“Failed to initialize NVML: Driver\/library version mismatch”\)/],
    ['no-driver', 9, /nvidia-smi failed \(“NVIDIA-SMI has failed/],
    ['no-devices', 6, /nvidia-smi failed \(“No devices were found”\)/],
    ['no-devices', 0, /lists no device \(“No devices were found”\)/],
    ['empty', 0, /lists no device,/],
    ['geforce-rtx-4070', 1, /nvidia-smi failed/],
  ] as const) {
    it(`finds nothing when nvidia-smi ends with ${status} and prints ${name}`, async () => {
      const found = await probeGpu({ nvidiaSmi: printing(name, status), driDir: emptyDir });
      assert.equal(found.type, 'none');
      assert.equal(found.available, false);
      assert.deepEqual(found.devices, []);
      assert.equal('driver' in found, false);
      assert.match(found.detail, expected);
    });
  }

  it('gives up on a program that hangs', async () => {
    const status = await probeGpu({
      nvidiaSmi: program('nvidia-smi', 'exec sleep 60'),
      driDir: emptyDir,
      timeoutMs: 100,
    });
    assert.match(status.detail, /did not respond within 0.1 s/);
  });

  it('gives up on a program that floods', async () => {
    const status = await probeGpu({ nvidiaSmi: program('nvidia-smi', 'exec yes 0,flood,1,1'), driDir: emptyDir });
    assert.match(status.detail, /printed too much output/);
  });

  it('is switched off by the setting', async () => {
    const status = await probeGpu({ disabled: true, nvidiaSmi: printing('tesla-t4') });
    assert.equal(status.type, 'none');
    assert.match(status.detail, /GPU_DISABLE/);
  });

  it('falls back to render nodes, sorted, and reads the driver of the first', async () => {
    const driDir = driWith('renderD129', 'card0', 'renderD128');
    const vainfo = program(
      'vainfo',
      `echo "vainfo: Driver version: Intel iHD driver for Intel(R) Gen Graphics - 23.1.1 ()"
       echo "      VAProfileH264Main               :	VAEntrypointVLD"
       echo "      VAProfileH264Main               :	VAEntrypointEncSliceLP"`,
    );
    const status = await probeGpu({ nvidiaSmi: missing, vainfo, driDir });
    assert.ok(Value.Check(GpuStatus, status));
    assert.equal(status.type, 'vaapi');
    assert.equal(status.driver, 'Intel iHD driver for Intel(R) Gen Graphics - 23.1.1 ()');
    assert.equal(status.canEncode, true);
    assert.deepEqual(status.devices, [
      { kind: 'vaapi', name: path.join(driDir, 'renderD128'), canEncode: true },
      { kind: 'vaapi', name: path.join(driDir, 'renderD129') },
    ]);
  });

  it('says when the render node has no encoder, or when vainfo cannot tell', async () => {
    const driDir = driWith('renderD128');
    const decodeOnly = program('vainfo', 'echo "VAProfileH264Main : VAEntrypointVLD"');
    const without = await probeGpu({ nvidiaSmi: missing, vainfo: decodeOnly, driDir });
    assert.equal(without.canEncode, false);
    assert.match(without.detail, /no video encoder/);
    const unknown = await probeGpu({ nvidiaSmi: missing, vainfo: path.join(root, 'none', 'vainfo'), driDir });
    assert.equal(unknown.type, 'vaapi');
    assert.equal('canEncode' in unknown, false);
    assert.match(unknown.detail, /is unknown/);
  });

  it('says that nvidia-smi is not installed', async () => {
    const status = await probeGpu({ nvidiaSmi: missing, driDir: emptyDir });
    assert.match(status.detail, /nvidia-smi is not installed, and there is no render node/);
  });
});

describe('parseVainfo', () => {
  it('keeps silent about what is not there', () =>
    assert.deepEqual(parseVainfo('error: failed to initialize display'), {}));
});
