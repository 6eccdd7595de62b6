import http from 'node:http';
import net from 'node:net';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import { importPlugin } from '../import-plugin.ts';
import { networkGuard } from '../network-guard.ts';
import { plain } from '../wire/protocol.ts';
import { harden } from './harden.ts';
import { redacted } from './redaction.ts';
import { PluginSession } from './session.ts';

/** The only argument of a plugin's process, as JSON. Contains no secrets. */
export interface ProcessOptions {
  /** Socket or pipe to listen on for workers. */
  address: string;
  /** URL of the plugin's entry module. */
  entry: string;
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
  const isError = error instanceof Error;
  process.stderr.write(`${redacted(String((isError && error.stack) || error))}\n`);
  const words = redacted(isError ? `${error.name}: ${error.message}` : 'not an Error');
  tell({ failed: plain(`it threw an uncaught error: ${words}`, 500) });
});

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
    tell({ failed: plain(error instanceof Error ? error.message : 'its entry throws', 500) });
  }
});
