import { execFile } from 'node:child_process';
import { readFile, statfs } from 'node:fs/promises';
import os from 'node:os';
import { promisify } from 'node:util';
import { bytes } from '#shared/format.ts';
import { CONDITIONS, judge, type Threshold } from '#shared/rules/conditions.ts';
import { type Check, type Finding, failed, fine, skipped, warning } from './check.ts';

/** Node’s major version that the daemon is built for; package.json’s `engines` of the package says the same. */
const NODE_MAJOR = 24;
/** Each viewer, node and app database takes some. */
const OPEN_FILES = 4096;
/** LiveKit warns below this at its start: "UDP receive buffer is too small for a production set-up". */
const UDP_BUFFER = 5_000_000;
/** Share of a file system's inodes below which writes will soon fail. */
const FEW_INODES = 0.02;

export interface MachineDeps {
  dataDir: string;
  /** LiveKit runs on this machine. */
  isLiveKitHere(): boolean;
  /** Of this process, which is the daemon; undefined for a command beside it. */
  openFiles?: () => Promise<number | undefined>;
}

/** Processor time, memory, disk, limits and clock of the machine. */
export function machineChecks({ dataDir, isLiveKitHere, openFiles }: MachineDeps): Check[] {
  const group = 'machine';
  return [
    { id: 'node-version', group, title: 'Node', run: nodeVersion },
    { id: 'memory', group, title: 'Free memory', run: memory },
    { id: 'disk', group, title: 'Free space for data', run: () => disk(dataDir) },
    ...(openFiles === undefined
      ? []
      : [
          {
            id: 'open-files',
            group,
            title: 'Limit of open files',
            run: async () => openFileLimit(await openFiles()),
          } as const,
        ]),
    {
      id: 'udp-buffer',
      group,
      title: 'Buffer for incoming media',
      run: async () =>
        isLiveKitHere() ? udpBuffer() : skipped('LiveKit runs on another machine; see the log of its start there.'),
    },
    { id: 'clock-synchronized', group, title: 'Clock', run: clock },
  ];
}

function nodeVersion(): Finding {
  const { node } = process.versions;
  return Number.parseInt(node, 10) >= NODE_MAJOR
    ? fine(`Node ${node}.`)
    : failed(`Node ${node} is too old.`, `Install Node ${NODE_MAJOR} or later.`);
}

function memory(): Finding {
  const free = os.freemem();
  const total = Math.min(os.totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return byShare(
    CONDITIONS['memory-low'].threshold as Threshold,
    (100 * Math.min(free, total)) / total,
    `${bytes(free)} of ${bytes(total)} are free.`,
    'Stop what else runs here, or add memory.',
  );
}

async function disk(dataDir: string): Promise<Finding> {
  const { bsize, blocks, bavail, files, ffree } = await statfs(dataDir);
  if (files > 0 && ffree / files < FEW_INODES)
    return failed(
      'The file system has hardly any inodes left, so no files can be made.',
      'Delete files, or move the data.',
    );
  return byShare(
    CONDITIONS['disk-low'].threshold as Threshold,
    (100 * bavail) / blocks,
    `${bytes(bavail * bsize)} of ${bytes(blocks * bsize)} are free.`,
    'Delete recordings, move them to a bucket, or add disk space.',
  );
}

/** The same limits as the alerts' default rules. */
function byShare(threshold: Threshold, percent: number, message: string, cure: string): Finding {
  const verdict = judge(threshold, percent, threshold.default);
  if (verdict === undefined) return fine(message);
  return verdict.isMild ? warning(message, cure) : failed(message, cure);
}

function openFileLimit(limit: number | undefined): Finding {
  if (limit === undefined) return skipped('This system doesn’t tell it.');
  if (limit >= OPEN_FILES) return fine(`The daemon may open ${limit} files.`);
  return warning(
    `The daemon may open ${limit} files and connections only.`,
    `Raise it to ${OPEN_FILES} or more: LimitNOFILE in the systemd unit, or ulimit -n before the start.`,
  );
}

/** Soft limit of this process; undefined where the system doesn't tell it. */
export async function openFilesOfProcess(): Promise<number | undefined> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const [, soft] = /^Max open files\s+(\d+)/m.exec(text) ?? [];
  return soft === undefined ? undefined : Number(soft);
}

async function udpBuffer(): Promise<Finding> {
  const text = await readFile('/proc/sys/net/core/rmem_max', 'utf8').catch(() => '');
  const size = Number.parseInt(text, 10);
  if (Number.isNaN(size)) return skipped('This system doesn’t tell it.');
  if (size >= UDP_BUFFER) return fine(`The kernel allows ${bytes(size)}.`);
  return warning(
    `The kernel allows ${bytes(size)} for a socket. With many viewers, packets get lost.`,
    `sudo sysctl -w net.core.rmem_max=${UDP_BUFFER} (and the same line in /etc/sysctl.d/streamhub.conf), then restart LiveKit.`,
  );
}

async function clock(): Promise<Finding> {
  let told: string;
  try {
    told = (
      await promisify(execFile)('timedatectl', ['show', '--property=NTPSynchronized', '--value'], { timeout: 3000 })
    ).stdout.trim();
  } catch {
    return skipped('This system doesn’t tell whether its clock is synchronized.');
  }
  if (told === 'yes') return fine('The clock is synchronized.');
  return warning(
    'The clock of this machine is not synchronized. Tokens and webhooks are refused when clocks are far apart.',
    'sudo timedatectl set-ntp true, or install chrony.',
  );
}
