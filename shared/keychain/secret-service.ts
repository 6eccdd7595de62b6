import { existsSync } from 'node:fs';
import dbus, { type MessageBus, variantValue } from 'dbus-native';

export type Lock = { state: 'ready' } | { state: 'locked' } | { state: 'none'; reason: string };

const SERVICE = 'org.freedesktop.secrets';
const ROOT = '/org/freedesktop/secrets';
const PROMPT_INTERFACE = 'org.freedesktop.Secret.Prompt';
const ANSWER_MS = 10_000;
const PERSON_MS = 120_000;

/**
 * Asks the Secret Service itself whether its default keyring is there and open. The keychain modules cannot tell: one
 * answers "not stored" for a locked keyring, and both may stop and ask the person when they are only meant to look.
 */
export class SecretService {
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  async lock(): Promise<Lock> {
    try {
      return await this.#onBus(async (bus) => {
        const collection = await defaultCollection(bus);
        if (collection === undefined) return { state: 'none', reason: 'it has no default keyring yet' };
        return (await isLocked(bus, collection)) ? { state: 'locked' } : { state: 'ready' };
      });
    } catch (error) {
      return { state: 'none', reason: reasonOf(error) };
    }
  }

  /** Lets the service ask the person for the keyring's password. @returns how it is afterwards */
  async unlock(): Promise<Lock> {
    try {
      await this.#onBus(async (bus) => {
        const collection = await defaultCollection(bus);
        if (collection === undefined) return;
        const [, prompt] = await invoke<[string[], string]>(
          bus,
          ROOT,
          'org.freedesktop.Secret.Service',
          'Unlock',
          'ao',
          [[collection]],
        );
        if (prompt !== '/') await answered(bus, prompt);
      });
    } catch {
      // dismissed, or no prompt available: the state shows the result
    }
    return await this.lock();
  }

  async #onBus<T>(work: (bus: MessageBus) => Promise<T>): Promise<T> {
    const busAddress = this.#address();
    if (busAddress === undefined) throw new Error('there is no D-Bus session');
    const bus = dbus.createClient({ busAddress, timeout: ANSWER_MS, authMethods: ['EXTERNAL'] });
    let failed: (error: Error) => void = () => {};
    const broken = new Promise<never>((_resolve, reject) => {
      failed = reject;
    });
    bus.connection.on('error', failed);
    try {
      return await Promise.race([work(bus), broken]);
    } finally {
      bus.connection.end();
    }
  }

  #address(): string | undefined {
    const given = this.#env['DBUS_SESSION_BUS_ADDRESS'];
    if (given) return given;
    const runtime = this.#env['XDG_RUNTIME_DIR'];
    const socket = runtime ? `${runtime}/bus` : undefined;
    return socket !== undefined && existsSync(socket) ? `unix:path=${socket}` : undefined;
  }
}

async function defaultCollection(bus: MessageBus): Promise<string | undefined> {
  const path = await invoke<string>(bus, ROOT, 'org.freedesktop.Secret.Service', 'ReadAlias', 's', ['default']);
  return path === '/' ? undefined : path;
}

async function isLocked(bus: MessageBus, collection: string): Promise<boolean> {
  const answer = await invoke(bus, collection, 'org.freedesktop.DBus.Properties', 'Get', 'ss', [
    'org.freedesktop.Secret.Collection',
    'Locked',
  ]);
  return variantValue<boolean>(answer) !== false;
}

function invoke<T>(
  bus: MessageBus,
  path: string,
  iface: string,
  member: string,
  signature: string,
  body: unknown[],
): Promise<T> {
  return bus
    .invoke<T>({ destination: SERVICE, path, interface: iface, member, signature, body })
    .then((value) => value);
}

/** Shows the service's own question and waits until the person has dealt with it. */
async function answered(bus: MessageBus, prompt: string): Promise<void> {
  await bus.addMatch(`type='signal',interface='${PROMPT_INTERFACE}',member='Completed',path='${prompt}'`);
  let timer: NodeJS.Timeout | undefined;
  const completed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PERSON_MS);
    bus.signals.once(bus.mangle(prompt, PROMPT_INTERFACE, 'Completed'), () => resolve());
  });
  try {
    await invoke(bus, prompt, PROMPT_INTERFACE, 'Prompt', 's', ['']);
    await completed;
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(error: unknown): string {
  const { dbusName, message, code } = error as { dbusName?: string; message: string; code?: string };
  if (dbusName?.endsWith('.ServiceUnknown') || dbusName?.endsWith('.NameHasNoOwner'))
    return 'no Secret Service (GNOME Keyring, KWallet, KeePassXC) is running';
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'EACCES')
    return `the D-Bus session cannot be reached (${code})`;
  return message;
}
