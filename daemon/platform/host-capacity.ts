import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Processor time, all cores together, below which a share says nothing. */
const MIN_CPU_MS = 1000;
/** Limits of cgroup v1 above this mean "none". */
const NO_LIMIT = 2 ** 60;

/** What programs here can use: the smaller of the machine and the control groups (containers, units) around this process. */
export interface HostCapacity {
  /** Processors; a fraction where a quota gives one. */
  cores: number;
  /** Bytes. */
  memTotal: number;
  /** Bytes that programs could still take. */
  memFree: number;
  /** Load averages over 1, 5 and 15 minutes, at most what the group itself uses. */
  loadavg: [number, number, number];
  /** Share of `cores` in use since the last reading, 0..1; null right after the start. */
  cpu: number | null;
}

interface Host {
  cores: number;
  memTotal: number;
  memFree: number;
  loadavg: readonly number[];
  /** Processor time since the boot, milliseconds. */
  times: { idle: number; all: number };
}

interface Group {
  /** Processors of the tightest quota, or null. */
  cores: number | null;
  /** Milliseconds of processor time that the group with that quota has used. */
  cpuMs: number | null;
  memTotal: number | null;
  memFree: number | null;
}

/** Reads the capacity; shares are those since the reading before. */
export class CapacityMeter {
  readonly #root: string;
  readonly #host: () => Host;
  readonly #now: () => number;
  #times: Host['times'];
  #group: { at: number; cpuMs: number } | null = null;
  #cpu: number | null = null;

  constructor(options: { root?: string; host?: () => Host; now?: () => number } = {}) {
    this.#root = options.root ?? '/';
    this.#host = options.host ?? machine;
    this.#now = options.now ?? (() => performance.now());
    this.#times = this.#host().times;
    const { cpuMs } = readGroup(this.#root);
    if (cpuMs !== null) this.#group = { at: this.#now(), cpuMs };
  }

  read(): HostCapacity {
    const host = this.#host();
    const group = readGroup(this.#root);
    const isLimited = group.cores !== null && group.cores < host.cores;
    const cores = isLimited ? (group.cores as number) : host.cores;
    this.#cpu = (isLimited ? this.#groupShare(group.cpuMs, cores) : this.#hostShare(host.times)) ?? this.#cpu;
    const memTotal = Math.min(host.memTotal, group.memTotal ?? Infinity);
    const load = (index: number): number => {
      const whole = host.loadavg[index] ?? 0;
      return isLimited && this.#cpu !== null ? Math.min(whole, this.#cpu * cores) : whole;
    };
    return {
      cores,
      memTotal,
      memFree: Math.min(host.memFree, group.memFree ?? Infinity, memTotal),
      loadavg: [load(0), load(1), load(2)],
      cpu: this.#cpu,
    };
  }

  #hostShare(times: Host['times']): number | null {
    const all = times.all - this.#times.all;
    if (all < MIN_CPU_MS) return null;
    const idle = times.idle - this.#times.idle;
    this.#times = times;
    return share(1 - idle / all);
  }

  #groupShare(cpuMs: number | null, cores: number): number | null {
    const now = this.#now();
    const before = this.#group;
    if (cpuMs === null) return null;
    if (before === null || now - before.at < MIN_CPU_MS) {
      this.#group ??= { at: now, cpuMs };
      return null;
    }
    this.#group = { at: now, cpuMs };
    return share((cpuMs - before.cpuMs) / (now - before.at) / cores);
  }
}

const share = (value: number): number => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;

function machine(): Host {
  const times = { idle: 0, all: 0 };
  const cpus = os.cpus();
  for (const { times: one } of cpus) {
    times.idle += one.idle;
    times.all += one.user + one.nice + one.sys + one.idle + one.irq;
  }
  return {
    // the kernel's affinity may leave fewer than there are
    cores: Math.max(1, Math.min(cpus.length || Infinity, os.availableParallelism())),
    memTotal: os.totalmem(),
    memFree: os.freemem(),
    loadavg: os.loadavg(),
    times,
  };
}

/** The tightest limits of this process's control groups, up the tree. All null where there are none. */
function readGroup(root: string): Group {
  const group: Group = { cores: null, cpuMs: null, memTotal: null, memFree: null };
  const lines = (read(path.join(root, 'proc/self/cgroup')) ?? '').trim().split('\n');
  for (const line of lines) {
    const [, controllers = '', place = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const names = controllers.split(',');
    const isUnified = controllers === '';
    if (isUnified) for (const folder of foldersOf(root, ['', 'unified'], place)) addUnified(group, folder);
    if (names.includes('memory')) for (const folder of foldersOf(root, ['memory'], place)) addMemoryV1(group, folder);
    if (names.includes('cpu'))
      for (const folder of foldersOf(root, [controllers, 'cpu'], place))
        addCpuV1(group, folder, accountOf(root, lines));
  }
  return group;
}

/** The group's folder and those above it. In a container the place may be the host's name of what is mounted as the root. */
function foldersOf(root: string, mounts: readonly string[], place: string): string[] {
  const parts = place.split('/').filter((part) => part !== '' && part !== '..');
  return mounts.flatMap((mount) =>
    Array.from({ length: parts.length + 1 }, (_, up) =>
      path.join(root, 'sys/fs/cgroup', mount, ...parts.slice(0, parts.length - up)),
    ),
  );
}

function addUnified(group: Group, folder: string): void {
  addMemory(group, folder, 'memory.max', 'memory.current', 'inactive_file');
  const [quota, period] = (read(path.join(folder, 'cpu.max')) ?? '').trim().split(' ');
  const used = /^usage_usec (\d+)$/m.exec(read(path.join(folder, 'cpu.stat')) ?? '')?.[1];
  addCores(group, Number(quota) / Number(period), used === undefined ? null : Number(used) / 1000);
}

const addMemoryV1 = (group: Group, folder: string): void =>
  addMemory(group, folder, 'memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file');

/** Folder of the processor accounting, where it is mounted apart from the quotas. */
function accountOf(root: string, lines: readonly string[]): string | undefined {
  const place = lines.map((line) => /^\d+:cpuacct:(.*)$/.exec(line)?.[1]).find((found) => found !== undefined);
  return place === undefined ? undefined : path.join(root, 'sys/fs/cgroup/cpuacct', place);
}

function addCpuV1(group: Group, folder: string, account = folder): void {
  const used = number(path.join(account, 'cpuacct.usage'));
  const cores =
    (number(path.join(folder, 'cpu.cfs_quota_us')) ?? -1) / (number(path.join(folder, 'cpu.cfs_period_us')) ?? 1);
  addCores(group, cores, used === null ? null : used / 1e6);
}

function addCores(group: Group, cores: number, cpuMs: number | null): void {
  if (!(cores > 0) || !Number.isFinite(cores) || cores >= (group.cores ?? Infinity)) return;
  group.cores = cores;
  group.cpuMs = cpuMs;
}

function addMemory(group: Group, folder: string, limitFile: string, usedFile: string, cacheKey: string): void {
  const limit = number(path.join(folder, limitFile));
  if (limit === null || limit <= 0 || limit >= NO_LIMIT) return;
  group.memTotal = Math.min(limit, group.memTotal ?? Infinity);
  const used = number(path.join(folder, usedFile));
  if (used === null) return;
  // the kernel takes this cache back before it refuses memory
  const stat = read(path.join(folder, 'memory.stat')) ?? '';
  const cache = Number(new RegExp(`^${cacheKey} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  group.memFree = Math.min(Math.max(0, limit - Math.max(0, used - cache)), group.memFree ?? Infinity);
}

/** @returns null when the file is missing or says `max` */
function number(file: string): number | null {
  const text = read(file)?.trim();
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : null;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
