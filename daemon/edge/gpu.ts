import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import probeGpu from '#daemon/operations/gpu/tasks/gpu-probe.ts';
import type { AgentStats } from '#shared/schema/cluster.ts';
import type { GpuProbeInput } from '#shared/schema/gpu.ts';

const run = promisify(execFile);
const QUERY = '--query-gpu=name,utilization.gpu,memory.used,memory.total,temperature.gpu';
const TIMEOUT_MS = 4000;
const MEBIBYTE = 1024 * 1024;
const MAX_GPUS = 8;

type Gpu = NonNullable<AgentStats['gpu']>[number];

/** The machine's GPUs and their load: figures from NVIDIA's driver, else what the daemon's probe finds. Works without lspci. */
export async function readGpus(input: GpuProbeInput = {}): Promise<Gpu[]> {
  const figures = await nvidiaFigures(input.nvidiaSmi ?? 'nvidia-smi');
  if (figures.length > 0) return figures.slice(0, MAX_GPUS);
  const { devices } = await probeGpu(input);
  return devices.slice(0, MAX_GPUS).map(({ name, memoryMiB }) => ({
    name: name.slice(0, 64),
    ...(memoryMiB === undefined ? {} : { memoryTotalBytes: memoryMiB * MEBIBYTE }),
  }));
}

async function nvidiaFigures(program: string): Promise<Gpu[]> {
  try {
    const { stdout } = await run(program, [QUERY, '--format=csv,noheader,nounits'], { timeout: TIMEOUT_MS });
    return stdout.split(/\r?\n/).flatMap(toGpu);
  } catch {
    return [];
  }
}

/** Texts such as `[N/A]` mean that there is no figure. */
function toGpu(line: string): Gpu[] {
  const [name = '', ...fields] = line.split(',').map((field) => field.trim());
  if (name === '' || fields.length < 4) return [];
  const [utilization, used, total, temperature] = fields.map((field) =>
    /^\d+(?:\.\d+)?$/.test(field) ? Number(field) : undefined,
  );
  return [
    {
      name: name.slice(0, 64),
      ...(utilization === undefined ? {} : { utilization: Math.min(1, utilization / 100) }),
      ...(used === undefined ? {} : { memoryUsedBytes: used * MEBIBYTE }),
      ...(total === undefined ? {} : { memoryTotalBytes: total * MEBIBYTE }),
      ...(temperature === undefined ? {} : { temperature }),
    },
  ];
}
