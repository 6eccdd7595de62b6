import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { makeCertificate } from './certificates.ts';
import { temporaryDir } from './daemon.ts';
import { freePort, programHere } from './server-scripts.ts';
import { until } from './until.ts';

/** For `describe(name, { skip: noMosquitto }, …)`: the reason why tests with a real broker do not run, or false. */
export const noMosquitto =
  programHere('mosquitto') === undefined ? 'mosquitto is not installed (Debian: mosquitto)' : false;

export const BROKER_USER = { username: 'hub', password: 'broker-pass-4711' };

/** A message that a watcher got. */
export interface Seen {
  topic: string;
  text: string;
  /** Parsed, when it is JSON. */
  body: any;
  /** It was kept by the broker, and not sent just now. */
  isRetained: boolean;
  qos: number;
}

export interface Mosquitto {
  port: number;
  tlsPort: number;
  /** Where a bridge takes the same over WebSockets (`ws:` and `wss:`); Debian's mosquitto has none built in. */
  wsPort: number;
  wssPort: number;
  /** File of the authority that signed its certificate. */
  authority: string;
  start(): Promise<void>;
  /** kill -9. What was acknowledged before survives, because the broker writes each change down. */
  kill(): Promise<void>;
  /** Everything below a filter, also while this client is away. */
  watch(t: { after(fn: () => unknown): void }, filter: string, qos?: 0 | 1 | 2): Promise<Seen[]>;
}

/** A real broker on loopback with a user, in the clear and with TLS. */
export async function mosquitto(t: { after(fn: () => unknown): void }): Promise<Mosquitto> {
  const dir = await temporaryDir(t);
  const [port, tlsPort] = [await freePort(), await freePort()];
  const authority = await makeCertificate('Broker Test CA', { authority: true });
  const own = await makeCertificate('broker', { signedBy: authority });
  const file = (name: string): string => path.join(dir, name);
  await Promise.all([
    writeFile(file('ca.pem'), authority.cert),
    writeFile(file('cert.pem'), own.cert),
    writeFile(file('key.pem'), own.key),
    writeFile(file('acl'), `user ${BROKER_USER.username}\ntopic readwrite #\ntopic deny refused/#\n`),
  ]);
  execFileSync('mosquitto_passwd', ['-c', '-b', file('passwords'), BROKER_USER.username, BROKER_USER.password]);
  await writeFile(
    file('mosquitto.conf'),
    [
      `user ${process.getuid?.() === 0 ? 'root' : 'mosquitto'}`,
      'allow_anonymous false',
      `password_file ${file('passwords')}`,
      `acl_file ${file('acl')}`,
      'persistence true',
      `persistence_location ${dir}/`,
      'autosave_on_changes true',
      'autosave_interval 1',
      `listener ${port} 127.0.0.1`,
      `listener ${tlsPort} 127.0.0.1`,
      `certfile ${file('cert.pem')}`,
      `keyfile ${file('key.pem')}`,
      '',
    ].join('\n'),
  );
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  t.after(kill);
  const start = async (): Promise<void> => {
    child = spawn('mosquitto', ['-c', file('mosquitto.conf')], { stdio: 'ignore' });
    await until('the broker takes connections', async () => {
      const client = await connect('probe').catch(() => undefined);
      await client?.endAsync(true);
      return client !== undefined;
    });
  };
  const connect = (clientId: string, clean = true): Promise<MqttClient> =>
    connectAsync(
      `mqtt://127.0.0.1:${port}`,
      { ...BROKER_USER, clientId, clean, reconnectPeriod: clean ? 0 : 100, connectTimeout: 2000 },
      !clean,
    );
  const [wsPort, wssPort] = [
    await webSocketBridge(t, http.createServer(), port),
    await webSocketBridge(t, https.createServer({ cert: own.cert, key: own.key }), port),
  ];
  let watchers = 0;
  return {
    port,
    tlsPort,
    wsPort,
    wssPort,
    authority: file('ca.pem'),
    start,
    kill,
    async watch(scope, filter, qos = 1) {
      watchers += 1;
      const client = await connect(`watcher-${watchers}`, false);
      client.on('error', () => {});
      scope.after(() => client.endAsync(true));
      const seen: Seen[] = [];
      client.on('message', (topic, payload, { retain, qos }) => {
        const text = payload.toString();
        seen.push({ topic, text, body: text.startsWith('{') ? JSON.parse(text) : null, isRetained: retain, qos });
      });
      await client.subscribeAsync(filter, { qos });
      return seen;
    },
  };
}

/** Passes the bytes of WebSockets with the subprotocol `mqtt` on to the broker, and back. @returns its port */
async function webSocketBridge(
  t: { after(fn: () => unknown): void },
  server: http.Server,
  brokerPort: number,
): Promise<number> {
  const sockets = new WebSocketServer({ server, handleProtocols: (offered) => offered.has('mqtt') && 'mqtt' });
  sockets.on('connection', (socket) => {
    const stream = createWebSocketStream(socket).on('error', () => {});
    const broker = net.connect(brokerPort, '127.0.0.1').on('error', () => stream.destroy());
    stream.pipe(broker).pipe(stream);
    stream.on('close', () => broker.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}
