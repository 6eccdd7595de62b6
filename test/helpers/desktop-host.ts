/**
 * The desktop app without its window: the real main-process core behind a socket, and the real renderer behind the real
 * protocol handler, so that a Chromium of the tests can be the window.
 *
 * In a test: `await desktopHost(t)` in this process, or `await desktopHostProcess(t, { keychain: true })` in one of its own
 * with a real keyring. Then `await page.addInitScript(host.bridgeScript)` and `await page.goto(host.url)`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, globSync, statSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';
import { type WebSocket, WebSocketServer } from 'ws';
import { Core } from '#desktop/main/core.ts';
import type { Shell } from '#desktop/main/parts.ts';
import { assetFor } from '#desktop/main/shell/app-protocol.ts';
import type { OverallHealth } from '#desktop/main/shell/health.ts';
import type { Notice } from '#desktop/main/shell/notices.ts';
import { APP_ORIGIN } from '#desktop/main/shell/security.ts';
import { TIMING, type Timing } from '#shared/connection/daemon-connection.ts';
import type { ShellCommand } from '#shared/ipc/desktop.ts';
import type { Emit } from '#shared/ipc/index.ts';
import { SecretStore } from '#shared/keychain/secret-store.ts';
import { BIN, ROOT, temporaryDir } from './daemon.ts';
import { Keyring } from './keychain.ts';
import { oneAtATime } from './one-at-a-time.ts';

/** What the person's system was asked to do. */
interface Recorded {
  notices: Notice[];
  opened: string[];
  copied: string[];
  themes: string[];
  health: OverallHealth | null;
}

export interface DesktopHost {
  url: string;
  /** Put it into the page before it loads. */
  bridgeScript: string;
  recorded(): Promise<Recorded>;
  /** As the menu, the tray, a notification or a link would. */
  command(command: ShellCommand): Promise<void>;
  stop(): Promise<void>;
}

export interface HostOptions {
  /** Folder of the app's own files; a second host on it is the same app started again. */
  userData?: string;
  /** Where "Save as" puts files; without it the person cancels. */
  saveTo?: string;
  /** Name of this app's entries in the keyring. */
  service?: string;
  timing?: Timing;
  /** Folder of the built renderer; out/renderer by default. */
  renderer?: string;
}

/** Short waits, for tests that stop daemons. */
export const QUICK: Timing = {
  ...TIMING,
  healthMs: 1000,
  pollMs: 500,
  snapshotMs: 1000,
  backoff: { base: 100, max: 1000 },
};

interface RunningHost extends DesktopHost {
  core: Core;
}

/** The host in this process. Without a D-Bus session it has no keychain, and says so like the app does. */
export async function desktopHost(
  t: { after(fn: () => unknown): void },
  options: HostOptions = {},
): Promise<RunningHost> {
  const host = await startHost({ userData: options.userData ?? (await temporaryDir(t)), ...options });
  t.after(() => host.stop());
  return host;
}

export interface ProcessOptions extends HostOptions {
  /** Inside a session with a real keyring, which the test can lock and open. */
  keychain?: boolean;
  env?: Record<string, string>;
}

export interface HostProcess extends DesktopHost {
  child: ChildProcess;
  /** Locks the keyring, or opens it as a login would. */
  keyring(what: 'lock' | 'unlock'): Promise<void>;
  /** The app ends and starts again on the same files; pages have to be loaded again. */
  again(): Promise<void>;
}

/** The host as a separate process. */
export async function desktopHostProcess(
  t: { after(fn: () => unknown): void },
  { keychain = false, timing, env: more = {}, ...options }: ProcessOptions = {},
): Promise<HostProcess> {
  const userData = options.userData ?? (await temporaryDir(t));
  const flags = Object.entries({ ...options, userData }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const command = [process.execPath, import.meta.filename, ...flags, ...(timing === QUICK ? ['--quick'] : [])];
  if (keychain) {
    command.unshift(path.join(ROOT, 'test/servers/with-keychain'));
    command.push('--keyring');
  }
  const { NODE_TEST_CONTEXT: _nested, ...env } = process.env;
  const child = spawn(command[0] as string, command.slice(1), {
    env: { ...env, ...more },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  t.after(stop);
  let out = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk;
      const line = /^\{.*\}$/m.exec(out)?.[0];
      if (line !== undefined) resolve((JSON.parse(line) as { url: string }).url);
    });
    void ended.then(([code]) => reject(new Error(`the desktop host ended with ${code}`)));
  });
  const post = async (what: string, body: unknown = null): Promise<void> => {
    const answer = await fetch(`${url}/host/${what}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
  };
  return {
    child,
    url,
    bridgeScript: await bridgeScript(),
    recorded: async () => (await (await fetch(`${url}/host/recorded`)).json()) as Recorded,
    command: (what) => post('command', what),
    keyring: (what) => post('keyring', what),
    again: () => post('again'),
    stop,
  };
}

async function startHost(options: HostOptions & { userData: string; keyring?: Keyring }): Promise<RunningHost> {
  const recorded: Recorded = { notices: [], opened: [], copied: [], themes: [], health: null };
  const sockets = new Set<WebSocket>();
  const emit: Emit = (channel, payload) => {
    const message = JSON.stringify({ channel, payload });
    for (const socket of sockets) socket.send(message);
  };
  const begin = async (): Promise<Core> => {
    const made = new Core({
      userData: options.userData,
      shell: recordingShell(recorded, options.saveTo),
      emit,
      runtime: { node: process.execPath, entry: BIN },
      secrets: new SecretStore({ service: options.service ?? 'StreamHub tests' }),
      timing: options.timing ?? TIMING,
      onBug: (where, error) => console.error('desktop host:', where, error),
    });
    await made.start();
    return made;
  };
  let core = await begin();
  const control: Record<string, (body: unknown) => unknown> = {
    command: (command) => core.commands.send(command as ShellCommand),
    keyring: (what) => (what === 'lock' ? options.keyring?.lock() : options.keyring?.unlock()),
    again: async () => {
      await core.stop();
      core = await begin();
    },
  };

  const renderer = options.renderer ?? path.join(ROOT, 'out', 'renderer');
  const server = http.createServer((request, response) => {
    void answer(control, recorded, renderer, request, response).catch((error: Error) => {
      response.writeHead(500).end(error.stack);
    });
  });
  const bridge = new WebSocketServer({ server, path: '/bridge', maxPayload: 128 * 1024 * 1024 });
  bridge.on('connection', (socket) => {
    sockets.add(socket);
    core.commands.gone();
    socket.on('close', () => sockets.delete(socket));
    socket.on('message', (data) => {
      const { id, channel, args } = JSON.parse(String(data)) as { id: number; channel: string; args: unknown };
      void core.dispatch(channel, args).then((outcome) => socket.send(JSON.stringify({ id, outcome })));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let stopping: Promise<void> | undefined;
  return {
    get core() {
      return core;
    },
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bridgeScript: await bridgeScript(),
    recorded: async () => recorded,
    command: async (what) => core.commands.send(what),
    stop: () => {
      stopping ??= (async () => {
        for (const socket of sockets) socket.terminate();
        bridge.close();
        server.close();
        server.closeAllConnections();
        await core.stop();
      })();
      return stopping;
    },
  };
}

async function answer(
  control: Record<string, (body: unknown) => unknown>,
  recorded: Recorded,
  renderer: string,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const url = request.url ?? '/';
  if (url === '/host/recorded') {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(recorded));
    return;
  }
  const act = control[/^\/host\/(\w+)$/.exec(url)?.[1] ?? ''];
  if (act !== undefined && request.method === 'POST') {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    await act(JSON.parse(Buffer.concat(chunks).toString()));
    response.end();
    return;
  }
  const asset = await assetFor(renderer, APP_ORIGIN + url, request.method);
  response.writeHead(asset.status, asset.headers);
  if (asset.file === null) response.end();
  else createReadStream(asset.file).pipe(response);
}

function recordingShell(recorded: Recorded, saveTo: string | undefined): Shell {
  return {
    versions: { app: '0.0.0-test', electron: null, chrome: null },
    window: () => ({ focused: true, visible: true, maximized: false, fullScreen: false }),
    openExternal: async (url) => void recorded.opened.push(url),
    copyText: (text) => void recorded.copied.push(text),
    chooseFile: async (name) => (saveTo === undefined ? null : path.join(saveTo, name)),
    notify: (notice) => void recorded.notices.push(notice),
    applyTheme: (theme) => void recorded.themes.push(theme),
    healthChanged: (health) => {
      recorded.health = health;
    },
  };
}

let script: Promise<string> | undefined;

/** The bridge for a page, made from the contract like the preload script. */
function bridgeScript(): Promise<string> {
  script ??= (async () => {
    const bundle = await rolldown({
      input: path.join(import.meta.dirname, 'desktop-bridge.ts'),
      resolve: { alias: { '#shared': path.join(ROOT, 'shared') } },
      logLevel: 'warn',
    });
    const { output } = await bundle.generate({ format: 'iife' });
    await bundle.close();
    return output[0].code;
  })();
  return script;
}

let rendererBuilt: Promise<void> | undefined;

/** The renderer as the desktop app ships it, in out/renderer, built when it is older than its sources. */
export function builtRenderer(): Promise<void> {
  rendererBuilt ??= (async () => {
    const isFresh = (): boolean => {
      const built = statSync(path.join(ROOT, 'out/renderer/index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
      const sources = globSync('{desktop/renderer,shared}/**/*.{ts,tsx,css,html,svg}', { cwd: ROOT });
      return sources.every((file) => statSync(path.join(ROOT, file)).mtimeMs <= built);
    };
    const free = await oneAtATime(path.join(ROOT, 'out', 'renderer.lock'));
    try {
      if (isFresh()) return;
      const [{ build }, { rendererConfig }] = await Promise.all([
        import('vite'),
        import('#desktop/renderer/build/config.ts'),
      ]);
      await build({ ...rendererConfig('desktop'), configFile: false, logLevel: 'warn' });
    } finally {
      free();
    }
  })();
  return rendererBuilt;
}

if (process.argv[1] === import.meta.filename) void main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      userData: { type: 'string' },
      saveTo: { type: 'string' },
      service: { type: 'string' },
      renderer: { type: 'string' },
      quick: { type: 'boolean' },
      keyring: { type: 'boolean' },
    },
  });
  if (values.userData === undefined) throw new Error('--userData is needed');
  const { quick, keyring: wantsKeyring, userData, ...rest } = values;
  const keyring = wantsKeyring ? new Keyring() : undefined;
  await keyring?.start();
  const host = await startHost({
    userData,
    ...rest,
    ...(keyring ? { keyring } : {}),
    ...(quick ? { timing: QUICK } : {}),
  });
  process.stdout.write(`${JSON.stringify({ url: host.url })}\n`);
  process.stdin.resume();
  process.stdin.on(
    'end',
    () =>
      void host.stop().then(async () => {
        await keyring?.remove();
        process.exit(0);
      }),
  );
}
