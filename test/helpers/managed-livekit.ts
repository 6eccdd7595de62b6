// Daemons that run LiveKit themselves (LIVEKIT_MODE=managed), and programs for them on a PATH of the test.
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readJson } from '#daemon/edge/layout.ts';
import { isAlive, type ProcessRef, signal } from '#daemon/edge/process-table.ts';
import type { ManagedLiveKit, ManagedProgram } from '#shared/schema/livekit.ts';
import type { Client } from './daemon.ts';
import { livekitBinary } from './livekit.ts';
import { mediaWorkerProgram } from './media-worker.ts';
import { freePort } from './server-scripts.ts';
import { until } from './until.ts';

export interface ManagedMachine {
  dataDir: string;
  /** Folder of programs at the begin of PATH. */
  bin: string;
  /** For a daemon on this machine. */
  env: { PATH: string; PORT: string; LIVEKIT_MODE: string };
  /** Puts the media worker on PATH, under the name of LiveKit's egress service. */
  addEgress(): Promise<void>;
  /** The same as its ingress service, which encoders send to. */
  addIngress(): Promise<void>;
  /** Takes egress from PATH and puts a container engine there, which runs it. @returns its commands so far */
  addContainers(): () => string[];
  /** Processes of LiveKit and so on that run for this machine. */
  processes(): ProcessRef[];
}

/**
 * A machine with livekit-server on PATH, or why there can be none. What a daemon started there is killed when the scope
 * ends: end the daemon first, because it would start it again.
 */
export async function managedMachine(t: { after(fn: () => unknown): void }): Promise<ManagedMachine | string> {
  const binary = await livekitBinary();
  if (!path.isAbsolute(binary)) return binary;
  const root = mkdtempSync(path.join(os.tmpdir(), 'streamhub-managed-'));
  const bin = path.join(root, 'bin');
  const dataDir = path.join(root, 'data');
  mkdirSync(bin);
  symlinkSync(binary, path.join(bin, 'livekit-server'));
  // a test must not download images with the container engine of its machine
  for (const engine of ['docker', 'podman'])
    writeFileSync(path.join(bin, engine), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const processes = (): ProcessRef[] =>
    globSync(path.join(dataDir, 'livekit', 'var', '*.json'))
      .map((file) => readJson<{ process?: ProcessRef | null }>(file)?.process ?? null)
      .filter(isAlive);
  /** Puts the media worker on PATH as one of LiveKit's services; it reads the configuration that the daemon writes for that. */
  const addService = async (name: 'egress' | 'ingress'): Promise<void> => {
    const worker = await mediaWorkerProgram();
    const dir = path.join(root, name);
    mkdirSync(dir);
    const script = path.join(root, `${name}.mjs`);
    writeFileSync(
      script,
      `import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { parse } from ${JSON.stringify(import.meta.resolve('yaml'))};
const [flag, file] = process.argv.slice(2);
if (flag === '--version') {
  console.log('${name} version 1.9.0');
  process.exit();
}
const { api_key: apiKey, api_secret: apiSecret, ws_url: url, redis, rtmp_port: port } = parse(readFileSync(file, 'utf8'));
const address = 'redis://:' + redis.password + '@' + redis.address;
const own = { redis: address, url, apiKey, apiSecret, dir: ${JSON.stringify(dir)}, tied: port !== undefined };
const config = ${JSON.stringify(path.join(dir, 'config.json'))};
writeFileSync(config, JSON.stringify(own), { mode: 0o600 });
const worker = ${JSON.stringify(worker)};
if (port === undefined) process.execve(worker, [worker, config], process.env);
// encoders come to the port of the configuration
const child = spawn(worker, [config], { stdio: ['pipe', 'pipe', 'inherit'] });
child.on('exit', (code) => process.exit(code ?? 1));
process.on('SIGTERM', () => child.kill('SIGTERM'));
let said = '';
child.stdout.on('data', (chunk) => {
  said += chunk;
  const found = /^ready \\S+ 127.0.0.1:(\\d+)\\n/.exec(said);
  if (found === null) return;
  child.stdout.removeAllListeners('data').resume();
  createServer((encoder) => {
    const inner = connect(Number(found[1]), '127.0.0.1');
    for (const [from, to] of [[encoder, inner], [inner, encoder]]) from.on('error', () => to.destroy()).pipe(to);
  }).listen(port);
});
`,
    );
    const program = path.join(bin, name);
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' --no-warnings '${script}' "$@"\n`, { mode: 0o755 });
  };
  t.after(async () => {
    for (const ref of processes()) signal(ref, 'SIGKILL');
    await until('the programs have ended', () => processes().length === 0);
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });
  return {
    dataDir,
    bin,
    env: {
      PATH: `${bin}${path.delimiter}${process.env['PATH']}`,
      PORT: String(await freePort()),
      LIVEKIT_MODE: 'managed',
    },
    addEgress: () => addService('egress'),
    addIngress: () => addService('ingress'),
    addContainers() {
      const log = path.join(root, 'podman.log');
      // instead of an image it runs the program that PATH had
      const egress = path.join(root, 'egress-in-image');
      renameSync(path.join(bin, 'egress'), egress);
      writeFileSync(
        path.join(bin, 'podman'),
        `#!/bin/sh
[ "$1" = info ] && exec echo '{}'
[ "$1" = ps ] && exit 0
echo "$@" >> '${log}'
[ "$1" = run ] || exit 0
umask 077
printenv EGRESS_CONFIG_BODY > '${root}/egress-in-image.yaml'
exec '${egress}' --config '${root}/egress-in-image.yaml'
`,
        { mode: 0o755 },
      );
      return () => readFileSync(log, 'utf8').trim().split('\n');
    },
    processes,
  };
}

/** What the daemon tells of a program. */
export async function programOf(api: Client, name: ManagedProgram['program']): Promise<ManagedProgram> {
  const { programs } = (await api.get<{ data: ManagedLiveKit }>('/livekit')).body.data;
  return programs.find(({ program }) => program === name) as ManagedProgram;
}

/** Waits until a program runs. */
export const untilRunning = (api: Client, name: ManagedProgram['program'], isThis = (_: ManagedProgram) => true) =>
  until(`${name} runs`, async () => {
    const found = await programOf(api, name);
    return found.state === 'running' && isThis(found) ? found : undefined;
  });

/** Values that nobody may see. */
export const secretsOf = ({ dataDir }: ManagedMachine): Record<string, string> =>
  Object.fromEntries(
    Object.entries(
      JSON.parse(readFileSync(path.join(dataDir, 'data', 'secrets.json'), 'utf8')) as Record<string, string>,
    ).filter(([name]) => name.startsWith('LIVEKIT_MANAGED_')),
  );
