import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import dbus from 'dbus-native';
import { until } from '#test/helpers/until.ts';
import { ROOT } from './daemon.ts';

const SECRETS = 'org.freedesktop.secrets';
const SECRETS_PATH = '/org/freedesktop/secrets';
const LOGIN = `${SECRETS_PATH}/collection/login`;
const PASSWORD = 'password of the test keyring';

const SCRIPT = path.join(ROOT, 'test/servers/with-keychain');
/** The script's own word for "no keychain can be had on this machine". */
const CANNOT = 125;

/** Why there can be no real keychain on this machine, or false. */
export function keychainMissing(): string | false {
  if (process.platform !== 'linux') return 'the keychain of the tests is GNOME Keyring, for Linux only';
  const tried = spawnSync(SCRIPT, ['true'], { encoding: 'utf8' });
  return tried.status === CANNOT ? `GNOME Keyring cannot be had: ${tried.stderr.trim()}` : false;
}

/** Why keytar cannot be tested, or false: it is optional and compiled at the install. */
export const noKeytar = (): Promise<string | false> =>
  import('keytar').then(
    () => false as const,
    (error: Error) => `keytar does not load: ${error.message.split('\n', 1)[0]}`,
  );

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program of the tests in a D-Bus session of its own with an unlocked keyring. */
export async function inKeychain(file: string, env: Record<string, string> = {}): Promise<Finished> {
  const { NODE_TEST_CONTEXT: _nested, ...inherited } = process.env;
  const child = spawn(SCRIPT, [process.execPath, file], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** Inside such a session: a keyring of one's own, whose password is known, in place of the one that runs. */
export class Keyring {
  #home = '';
  #daemon: ChildProcess | undefined;

  /** Starts it unlocked; a second start finds what was stored before. */
  async start(): Promise<void> {
    this.#home ||= await mkdtemp(path.join(os.tmpdir(), 'keyring-'));
    const runtime = /^unix:path=(.*)\/bus/.exec(process.env['DBUS_SESSION_BUS_ADDRESS'] ?? '')?.[1] ?? this.#home;
    this.#daemon = spawn('gnome-keyring-daemon', ['--replace', '--foreground', '--unlock', '--components=secrets'], {
      env: { ...process.env, HOME: this.#home, XDG_DATA_HOME: this.#home, XDG_RUNTIME_DIR: runtime },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#daemon.stdin?.end(PASSWORD);
    const mine = String(this.#daemon.pid);
    await until('the keyring owns its name', () => {
      if (this.#daemon?.exitCode !== null) throw new Error('the keyring did not start');
      return ownerPid() === mine;
    });
  }

  async stop(): Promise<void> {
    if (this.#daemon === undefined || this.#daemon.exitCode !== null) return;
    const ended = once(this.#daemon, 'exit');
    this.#daemon.kill();
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.#home, { recursive: true, force: true });
  }

  /** Opens it with its password, as a login would. */
  async unlock(): Promise<void> {
    const bus = dbus.createClient({
      busAddress: process.env['DBUS_SESSION_BUS_ADDRESS'] ?? '',
      authMethods: ['EXTERNAL'],
    });
    const ask = (iface: string, member: string, signature: string, body: unknown[]) =>
      bus.invoke<[unknown, string]>({
        destination: SECRETS,
        path: SECRETS_PATH,
        interface: iface,
        member,
        signature,
        body,
      });
    try {
      const [, session] = await ask('org.freedesktop.Secret.Service', 'OpenSession', 'sv', ['plain', ['s', '']]);
      const master = [session, Buffer.alloc(0), Buffer.from(PASSWORD), 'text/plain'];
      const iface = 'org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface';
      await ask(iface, 'UnlockWithMasterPassword', 'o(oayays)', [LOGIN, master]);
    } finally {
      bus.connection.end();
    }
  }

  lock(): void {
    const { status, stderr } = send(SECRETS, SECRETS_PATH, 'org.freedesktop.Secret.Service.Lock', [
      `array:objpath:${LOGIN}`,
    ]);
    if (status !== 0) throw new Error(stderr);
  }
}

function ownerPid(): string | undefined {
  const bus = [
    'org.freedesktop.DBus',
    '/org/freedesktop/DBus',
    'org.freedesktop.DBus.GetConnectionUnixProcessID',
  ] as const;
  return /uint32 (\d+)/.exec(send(...bus, [`string:${SECRETS}`]).stdout)?.[1];
}

const send = (to: string, object: string, method: string, args: string[]) =>
  spawnSync('dbus-send', ['--session', '--print-reply', `--dest=${to}`, object, method, ...args], { encoding: 'utf8' });
