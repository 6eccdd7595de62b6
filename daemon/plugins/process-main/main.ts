import http from 'node:http';
import net from 'node:net';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import { importPlugin } from '../import-plugin.ts';
import { networkGuard } from '../network-guard.ts';
import { nameFilesBelow, wordsOf } from './author-errors.ts';
import { harden } from './harden.ts';
import { redacted } from './redaction.ts';
import { PluginSession } from './session.ts';

/** The only argument of a plugin's process, as JSON. Contains no secrets. */
export interface ProcessOptions {
  /** Socket or pipe to listen on for workers. */
  address: string;
  /** URL of the plugin's entry module. */
  entry: string;
  /** The plugin's folder, from which files are named in messages. */
  folder: string;
  /** Folder of the bundle's SDK; null in a clone. */
  sdk: string | null;
  policy: EndpointPolicy;
  /** Port on 127.0.0.1 of the way to the installation's forward proxy; its address is in the environment. */
  relayPort: number | null;
}

/** Descriptor of the daemon's control line. It ends with the daemon, and the process with it. */
const CONTROL = 3;

const options = JSON.parse(process.argv[2] ?? '') as ProcessOptions;
const control = new net.Socket({ fd: CONTROL, readable: true, writable: true });
const tell = (message: object): void => void control.write(`${JSON.stringify(message)}\n`);
control.on('data', () => tell({ pong: true }));
const exit = process.exit.bind(process);
control.on('error', () => exit(0));
control.on('close', () => exit(0));
process.on('uncaughtException', (error) => {
  print(error);
  const name = error instanceof Error ? `${error.name}: ` : '';
  tell({ failed: `it threw an uncaught error: ${redacted(name)}${wordsOf(error, 400)}` });
});
/** For the log, line by line. */
function print(error: unknown): void {
  process.stderr.write(`${redacted(String((error instanceof Error && error.stack) || error))}\n`);
}

nameFilesBelow(options.folder);
const server = net.createServer();
server.listen(options.address, async () => {
  // fetch and Node's own agents; those of the guard read the environment
  if (options.relayPort !== null) http.setGlobalProxyFromEnv();
  harden(options.policy, options.relayPort);
  try {
    const plugin = await importPlugin(options.entry, options.sdk);
    const guard = networkGuard(options.policy);
    server.on('connection', (socket) => void new PluginSession(socket, plugin, guard));
    tell({ ready: true });
  } catch (error) {
    print(error);
    tell({ failed: wordsOf(error, 450) });
  }
});
