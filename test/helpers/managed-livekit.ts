// Daemons that run LiveKit themselves (LIVEKIT_MODE=managed), and programs for them on a PATH of the test.
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
    async addEgress() {
      const worker = await mediaWorkerProgram();
      const script = path.join(root, 'egress.mjs');
      const { yaml, dir } = { yaml: import.meta.resolve('yaml'), dir: path.join(root, 'egress') };
      mkdirSync(dir);
      writeFileSync(
        script,
        `import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from ${JSON.stringify(yaml)};
const [flag, file] = process.argv.slice(2);
if (flag === '--version') {
  console.log('egress version 1.9.0');
  process.exit();
}
const { api_key: apiKey, api_secret: apiSecret, ws_url: url, redis } = parse(readFileSync(file, 'utf8'));
const own = { redis: 'redis://:' + redis.password + '@' + redis.address, url, apiKey, apiSecret, dir: ${JSON.stringify(dir)} };
const config = ${JSON.stringify(path.join(dir, 'config.json'))};
writeFileSync(config, JSON.stringify(own), { mode: 0o600 });
process.execve(${JSON.stringify(worker)}, [${JSON.stringify(worker)}, config], process.env);
`,
      );
      const program = path.join(bin, 'egress');
      writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' --no-warnings '${script}' "$@"\n`);
      chmodSync(program, 0o755);
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
