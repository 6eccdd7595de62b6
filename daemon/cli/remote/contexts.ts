import { chmod, readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { writeAtomically } from '#shared/files/atomic-file.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import type { SecretStore } from '#shared/keychain/secret-store.ts';
import { EXIT, ExitWith, UsageError } from '../exit-codes.ts';

/** Name under which the keychain shows the credentials of contexts. */
export const SERVICE = 'StreamHub command line';

/** A daemon that was connected to. The credential is elsewhere. */
export interface Context {
  name: string;
  url: string;
  /** The credential's key in the keychain or in credentials.json. */
  account: string;
  store: 'keychain' | 'file';
  /** Whom the daemon took the credential for, for people. */
  user: string;
  /** Authorities to trust beside those of the system, as PEM. */
  ca?: string;
}

export interface Contexts {
  current: string | null;
  contexts: Context[];
}

/** Where the contexts are kept: $STREAMHUB_CONFIG_DIR, else the usual folder of the system. */
function configDir(env: NodeJS.ProcessEnv = process.env, platform = process.platform): string {
  if (env['STREAMHUB_CONFIG_DIR']) return env['STREAMHUB_CONFIG_DIR'];
  if (platform === 'win32') return path.join(env['APPDATA'] ?? os.homedir(), 'StreamHub');
  return path.join(env['XDG_CONFIG_HOME'] || path.join(os.homedir(), '.config'), 'streamhub');
}

export const contextsFile = (): string => path.join(configDir(), 'contexts.json');
const credentialsFile = (): string => path.join(configDir(), 'credentials.json');

export async function readContexts(): Promise<Contexts> {
  const found = await readJson<Partial<Contexts>>(contextsFile());
  return { current: found?.current ?? null, contexts: found?.contexts ?? [] };
}

export const writeContexts = (contexts: Contexts): Promise<void> => writeJson(contextsFile(), contexts);

/** The context with that name, else the current one. @throws UsageError */
export async function readContext(name: string | undefined): Promise<Context> {
  const { current, contexts } = await readContexts();
  const wanted = name ?? current;
  if (wanted === null)
    throw new UsageError(
      'No daemon is chosen. Sign in with: streamhub connect URL. Or set STREAMHUB_URL and STREAMHUB_TOKEN.',
    );
  const found = contexts.find((context) => context.name === wanted);
  if (found !== undefined) return found;
  const names = contexts.map((context) => context.name).join(', ');
  throw new UsageError(`There is no context ${wanted}. ${names === '' ? 'There are none.' : `There are: ${names}.`}`);
}

/** The credential of a context. @throws IpcFailure of the keychain */
export async function credentialOf({ name, account, store }: Context): Promise<string> {
  const found =
    store === 'file' ? (await readCredentials())[account] : ((await (await keychain()).read(account)) ?? undefined);
  if (found !== undefined) return found;
  process.stderr.write(
    `streamhub: no credential is stored for ${name}. Sign in again: streamhub connect --name ${name}\n`,
  );
  throw new ExitWith(EXIT.refused.code);
}

/** Stores the credential of a context. @throws IpcFailure of the keychain */
export async function storeCredential({ account, store }: Context, secret: string): Promise<void> {
  if (store === 'keychain') return (await keychain()).write(account, secret, 'keychain');
  await writeJson(credentialsFile(), { ...(await readCredentials()), [account]: secret });
}

/** Forgets it. @throws IpcFailure of the keychain */
export async function forgetCredential({ account, store }: Context): Promise<void> {
  if (store === 'keychain') return (await keychain()).remove(account);
  const { [account]: _gone, ...others } = await readCredentials();
  await writeJson(credentialsFile(), others);
}

export async function keychain(): Promise<SecretStore> {
  const { SecretStore: Store } = await import('#shared/keychain/secret-store.ts');
  return new Store({ service: SERVICE });
}

const readCredentials = async (): Promise<Record<string, string>> =>
  (await readJson<Record<string, string>>(credentialsFile())) ?? {};

async function readJson<T>(file: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Error(`${file} is damaged. Correct it, or delete it and connect again.`);
  }
}

async function writeJson(file: string, value: unknown): Promise<void> {
  const folder = path.dirname(file);
  await makeFolder(folder);
  await chmod(folder, 0o700);
  await writeAtomically(file, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
}
