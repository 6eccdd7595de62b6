import { failure } from '../ipc/failure.ts';

/** One module that speaks to the system's keychain. Listing is left out on purpose: in one of them it ends the process when the keyring is locked. */
export interface SecretBackend {
  readonly module: 'keytar' | '@napi-rs/keyring';
  get(service: string, account: string): Promise<string | null>;
  set(service: string, account: string, secret: string): Promise<void>;
  delete(service: string, account: string): Promise<boolean>;
}

export type LoadModule = (name: string) => Promise<unknown>;

interface Keytar {
  getPassword(service: string, account: string): Promise<string | null>;
  setPassword(service: string, account: string, secret: string): Promise<void>;
  deletePassword(service: string, account: string): Promise<boolean>;
}

interface NapiKeyring {
  AsyncEntry: new (
    service: string,
    account: string,
    options?: { linux: { store: 'secret-service' } },
  ) => {
    getPassword(): Promise<string | null>;
    setPassword(secret: string): Promise<void>;
    deletePassword(): Promise<boolean>;
  };
}

// a name in a variable, so that no bundler takes the native module in
const fromDisk: LoadModule = (name) => import(name);

/** keytar where it loads, else its kin. @throws KEYCHAIN_NONE with both reasons */
export async function loadBackend(load: LoadModule = fromDisk): Promise<SecretBackend> {
  const reasons: string[] = [];
  try {
    return keytarBackend(unwrapDefault<Keytar>(await load('keytar')));
  } catch (error) {
    reasons.push(`keytar: ${firstLine(error)}`);
  }
  try {
    return napiBackend(unwrapDefault<NapiKeyring>(await load('@napi-rs/keyring')));
  } catch (error) {
    reasons.push(`@napi-rs/keyring: ${firstLine(error)}`);
  }
  throw failure('KEYCHAIN_NONE', { reason: `no keychain module can be loaded (${reasons.join('; ')})` });
}

function keytarBackend(keytar: Keytar): SecretBackend {
  if (typeof keytar.getPassword !== 'function') throw new Error('not keytar');
  return {
    module: 'keytar',
    get: (service, account) => keytar.getPassword(service, account),
    set: (service, account, secret) => keytar.setPassword(service, account, secret),
    delete: (service, account) => keytar.deletePassword(service, account),
  };
}

/** Pinned to the Secret Service on Linux: left to itself it falls back to a store of the kernel that a restart empties. */
function napiBackend({ AsyncEntry }: NapiKeyring): SecretBackend {
  if (typeof AsyncEntry !== 'function') throw new Error('not @napi-rs/keyring');
  const entry = (service: string, account: string) =>
    new AsyncEntry(service, account, { linux: { store: 'secret-service' } });
  return {
    module: '@napi-rs/keyring',
    get: async (service, account) => (await entry(service, account).getPassword()) ?? null,
    set: async (service, account, secret) => {
      await entry(service, account).setPassword(secret);
    },
    delete: async (service, account) => await entry(service, account).deletePassword(),
  };
}

const unwrapDefault = <T>(module: unknown): T => ((module as { default?: T }).default ?? module) as T;
const firstLine = (error: unknown): string => (error as Error).message.split('\n', 1)[0] ?? '';
