import { execFile } from 'node:child_process';
import { access, constants, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { GpuDevice, GpuProbeInput, GpuStatus } from '#shared/schema/gpu.ts';

const TIMEOUT_MS = 4000;
const MAX_OUTPUT = 1024 * 1024;
const NVIDIA_QUERY = ['--query-gpu=index,name,memory.total,driver_version', '--format=csv,noheader,nounits'];

/**
 * Data-centre and entry-level chips that NVIDIA ships without the NVENC unit. Anything that is not listed counts as able:
 * a wrong "can" shows at the first encode, a wrong "cannot" would hide a working card for good.
 */
const WITHOUT_NVENC = [
  /\b[AH]100\b/, // Ampere and Hopper compute cards in all forms: PCIe, SXM, NVL, MIG slices
  /\bA(?:30|800)\b/,
  /\bH(?:20|200|800)\b/,
  /\bGH200\b/,
  /\bG?B[123]00\b/,
  /\bGeForce (?:MX\d+|GT 1030)\b/,
];

/** Looks for a GPU: NVIDIA, then VAAPI render nodes, then none. Never throws; what went wrong is told in `detail`. */
export default async function probeGpu(input: GpuProbeInput): Promise<GpuStatus> {
  if (input.disabled) return none('GPU detection is turned off by GPU_DISABLE.');
  const timeoutMs = input.timeoutMs ?? TIMEOUT_MS;
  const nvidia = await run(input.nvidiaSmi ?? 'nvidia-smi', NVIDIA_QUERY, timeoutMs);
  let reason = nvidia.problem;
  if (nvidia.problem === undefined) {
    const found = parseNvidiaSmi(nvidia.output);
    if (found.devices.length > 0) return nvidiaStatus(found);
    reason = `nvidia-smi lists no device${saying(nvidia.output)}`;
  }
  const nodes = await renderNodes(input.driDir ?? '/dev/dri');
  if (nodes.length === 0) return none(`No GPU was found: ${reason}, and there is no render node.`);
  return vaapiStatus(
    nodes,
    await run(input.vainfo ?? 'vainfo', ['--display', 'drm', '--device', nodes[0] as string], timeoutMs),
  );
}

/** Reads the CSV lines of nvidia-smi. Lines of another form (error texts) are left out. */
export function parseNvidiaSmi(text: string): { devices: GpuDevice[]; driver?: string } {
  const devices: GpuDevice[] = [];
  let driver: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const fields = line.split(',').map((field) => field.trim());
    if (fields.length < 4) continue;
    const [index, name, memory, version] = fields as [string, string, string, string];
    if (name === '' || isUnknown(name)) continue;
    const device: GpuDevice = { kind: 'nvidia', name, canEncode: !WITHOUT_NVENC.some((pattern) => pattern.test(name)) };
    if (/^\d+$/.test(index)) device.index = Number(index);
    if (/^\d+$/.test(memory)) device.memoryMiB = Number(memory);
    devices.push(device);
    if (driver === undefined && version !== '' && !isUnknown(version)) driver = version;
  }
  return driver === undefined ? { devices } : { devices, driver };
}

/** Reads vainfo: the driver's name, and whether any profile has an encoding entry point. */
export function parseVainfo(text: string): { driver?: string; canEncode?: boolean } {
  const driver = /Driver version:\s*(.+?)\s*$/m.exec(text)?.[1];
  const profiles = text.match(/VAEntrypoint\w+/g);
  return {
    ...(driver ? { driver: driver.slice(0, 200) } : {}),
    ...(profiles ? { canEncode: profiles.some((entry) => /^VAEntrypointEncSlice/.test(entry)) } : {}),
  };
}

const isUnknown = (field: string): boolean => /^\[.*\]$/.test(field);

function nvidiaStatus(found: { devices: GpuDevice[]; driver?: string }): GpuStatus {
  const able = found.devices.filter((device) => device.canEncode);
  const names = (devices: GpuDevice[]): string => [...new Set(devices.map((device) => device.name))].join(', ');
  let detail = `NVIDIA GPU found: ${names(found.devices)}.`;
  if (able.length === 0) detail += ' It has no video encoder (NVENC), so transcoding stays on the CPU.';
  else if (able.length < found.devices.length) detail += ` Only ${names(able)} can encode video (NVENC).`;
  return {
    available: true,
    type: 'nvidia',
    devices: found.devices,
    ...(found.driver ? { driver: found.driver } : {}),
    canEncode: able.length > 0,
    checkedAt: new Date().toISOString(),
    detail,
  };
}

async function vaapiStatus(nodes: string[], vainfo: Outcome): Promise<GpuStatus> {
  const first = nodes[0] as string;
  const permitted = await access(first, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  const found = vainfo.problem === undefined ? parseVainfo(vainfo.output) : {};
  const canEncode = permitted ? found.canEncode : false;
  let detail = `Render node found: ${nodes.join(', ')}.`;
  if (!permitted) detail += ` The daemon may not open ${first}; add its user to the group that owns that file.`;
  else if (canEncode === false) detail += ' Its driver has no video encoder, so transcoding stays on the CPU.';
  else if (canEncode === undefined) detail += ' It is unknown whether it can encode, because vainfo returned nothing.';
  return {
    available: true,
    type: 'vaapi',
    devices: nodes.map((name, position) => ({
      kind: 'vaapi' as const,
      name,
      ...(position === 0 && canEncode !== undefined ? { canEncode } : {}),
    })),
    ...(found.driver ? { driver: found.driver } : {}),
    ...(canEncode === undefined ? {} : { canEncode }),
    checkedAt: new Date().toISOString(),
    detail,
  };
}

function none(detail: string): GpuStatus {
  return { available: false, type: 'none', devices: [], canEncode: false, checkedAt: new Date().toISOString(), detail };
}

async function renderNodes(dir: string): Promise<string[]> {
  const entries = await readdir(dir).catch(() => []);
  return entries
    .filter((entry) => entry.startsWith('renderD'))
    .sort()
    .map((entry) => path.join(dir, entry));
}

interface Outcome {
  output: string;
  /** Why there is no output to rely on. */
  problem?: string;
}

function run(program: string, args: string[], timeoutMs: number): Promise<Outcome> {
  const name = path.basename(program);
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { timeout: timeoutMs, maxBuffer: MAX_OUTPUT, killSignal: 'SIGKILL', windowsHide: true, shell: false },
      (error, stdout, stderr) => {
        if (error === null) resolve({ output: stdout });
        else resolve({ output: '', problem: describe(name, error, `${stderr}\n${stdout}`, timeoutMs) });
      },
    );
  });
}

function describe(
  name: string,
  error: Error & { code?: unknown; killed?: boolean },
  output: string,
  timeoutMs: number,
): string {
  if (error.code === 'ENOENT') return `${name} is not installed`;
  if (error.code === 'EACCES') return `the daemon may not run ${name}`;
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `${name} printed too much output`;
  if (error.killed) return `${name} did not respond within ${timeoutMs / 1000} s`;
  return `${name} failed${saying(output)}`;
}

/** The program's own first line, made harmless and short. */
function saying(output: string): string {
  const line = output
    .split('\n')
    .map((text) => text.replace(/[^\x20-\x7e]/g, '').trim())
    .find((text) => text !== '');
  return line === undefined ? '' : ` (“${line.slice(0, 160)}”)`;
}
