import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { DaemonError } from '#shared/client/errors.ts';
import { baseUrl, nameOf } from '#shared/connection/address.ts';
import { login, whoAmI } from '#shared/contract/auth.ts';
import { getHealth } from '#shared/contract/system.ts';
import { IpcFailure } from '#shared/ipc/failure.ts';
import type { AuthContext } from '#shared/schema/auth.ts';
import { ask, secret } from '../ask.ts';
import { UsageError } from '../exit-codes.ts';
import { newCommand } from '../usage.ts';
import { fetchWith, readCa, type Target } from './connection.ts';
import { type Context, forgetCredential, keychain, readContexts, storeCredential, writeContexts } from './contexts.ts';
import { Daemon, interruption } from './daemon.ts';
import { note, print } from './output.ts';

interface ConnectOptions {
  name?: string;
  user?: string;
  tokenStdin?: boolean;
  passwordStdin?: boolean;
  caFile?: string;
  credentialFile?: boolean;
}

/** `streamhub connect URL` */
export const command = (): Command =>
  newCommand('connect')
    .description(
      'Sign in to a daemon, and use it for the commands that follow. The credential is stored in the keychain of this system.',
    )
    .argument(
      '[url]',
      'Address of the daemon, such as https://stream.example.com. Without it: that of the context --name.',
    )
    .option('--name <name>', 'Name of the context. Default: host and port.')
    .option('--token-stdin', 'Read an API token from standard input.')
    .option('--user <email>', 'Sign in as a person, with a password, instead of an API token.')
    .option('--password-stdin', 'Read the password from standard input.')
    .option(
      '--ca-file <file>',
      'PEM file with authorities to trust beside those of the system. It is stored in the context.',
    )
    .option(
      '--credential-file',
      'Store the credential in a file that only you can read (mode 600), instead of the keychain.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ streamhub connect https://stream.example.com
  $ streamhub connect https://stream.example.com --token-stdin < token.txt
  $ streamhub connect 192.168.1.20:3020 --user ada@example.com --name studio`,
    )
    .action(connect);

async function connect(typed: string | undefined, options: ConnectOptions): Promise<void> {
  const stored = await readContexts();
  const known = stored.contexts.find(({ name }) => name === options.name);
  const url = typed === undefined ? known?.url : baseUrl(typed);
  if (url === undefined)
    throw new UsageError('Name the address of the daemon: streamhub connect https://stream.example.com');
  const ca = options.caFile === undefined ? (known?.url === url ? known.ca : undefined) : await readCa(options.caFile);
  const target: Target = { url, token: '', fetch: await fetchWith({ ca }) };
  const { version } = await new Daemon(target, interruption()).call(getHealth);
  if (url.startsWith('http://') && !/^http:\/\/(?:127\.|localhost[:/]|\[::1\])/.test(`${url}/`))
    note('streamhub: warning: this connection is not encrypted. Anyone on the way can read the credential.');
  if (options.credentialFile !== true) await keychainReady();
  const token = await (options.user === undefined ? readToken(options) : signIn(target, options.user, options));
  const daemon = new Daemon({ ...target, token }, interruption());
  const { data: me } = await daemon.call(whoAmI);
  const context: Context = {
    name: options.name ?? nameOf(url),
    url,
    account: randomUUID(),
    store: options.credentialFile ? 'file' : 'keychain',
    user: userOf(me),
    ...(ca === undefined ? {} : { ca }),
  };
  await storeCredential(context, token);
  const replaced = stored.contexts.find(({ name }) => name === context.name);
  await writeContexts({
    current: context.name,
    contexts: [...stored.contexts.filter((one) => one !== replaced), context],
  });
  if (replaced !== undefined) await forgetCredential(replaced).catch(() => {});
  print(
    `Connected to ${context.url} (StreamHub ${version}) as ${context.user}. The context ${context.name} is now the current one.`,
  );
}

/** Says before the person types a secret that it couldn't be stored. */
async function keychainReady(): Promise<void> {
  const { state, message } = await (await keychain()).state();
  if (state === 'ready') return;
  const hint =
    state === 'locked'
      ? 'Unlock it and try again.'
      : 'Set STREAMHUB_URL and STREAMHUB_TOKEN instead, or add --credential-file to store the credential in a file of mode 600.';
  throw new IpcFailure({ code: state === 'locked' ? 'KEYCHAIN_LOCKED' : 'KEYCHAIN_NONE', message, hint });
}

const readToken = async ({ tokenStdin }: ConnectOptions): Promise<string> =>
  (await secret('API token: ', tokenStdin, '--token-stdin')).trim();

async function signIn(target: Target, user: string, { passwordStdin }: ConnectOptions): Promise<string> {
  const password = await secret(`Password of ${user}: `, passwordStdin, '--password-stdin');
  const daemon = new Daemon(target, interruption());
  const attempt = async (code?: string): Promise<string> => {
    const body = { user, password, ...(code === undefined ? {} : { code }) };
    const { data } = await daemon.call(login, { body });
    // absent only where a browser asked for a cookie
    return data.token ?? '';
  };
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof DaemonError) || error.code !== 'TOTP_REQUIRED') throw error;
    return attempt((await ask('Two-factor code: ')).trim());
  }
}

/** Whom the daemon takes the credential for. */
const userOf = ({ email, name, via }: AuthContext): string =>
  email ?? (via === 'api_token' ? `the API token ${name ?? ''}`.trimEnd() : (name ?? 'admin'));
