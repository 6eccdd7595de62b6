// The files of build/proxy/, with the real nginx and Caddy in front of a real daemon and a real LiveKit.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { describe, test } from 'node:test';
import tls from 'node:tls';
import { Agent, setGlobalDispatcher } from 'undici';
import { WebSocket } from 'ws';
import { makeCertificate } from '#test/helpers/certificates.ts';
import { blockScope, Client, ROOT, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { type LivekitServer, livekitBinary, startLivekit } from '#test/helpers/livekit.ts';
import { missing, PROXIES, type ProxyName } from '#test/helpers/proxies.ts';
import { freePort } from '#test/helpers/server-scripts.ts';
import { until } from '#test/helpers/until.ts';

const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';

const scope = blockScope();
const dir = await temporaryDir(scope);
const file = (name: string) => readFileSync(path.join(ROOT, 'build', 'proxy', name), 'utf8');

// every name of the files is this machine
const lookup = (_name: string, { all }: { all?: boolean }, done: (...args: any[]) => void) =>
  all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
const here = { lookup, rejectUnauthorized: false } as const;
setGlobalDispatcher(new Agent({ connect: here as never }));
Object.assign(https.globalAgent.options, here);

const certificate = await makeCertificate('proxy', {
  names: ['stream.example.com', 'livekit.example.com', 'turn.example.com'],
});
writeFileSync(path.join(dir, 'cert.pem'), certificate.cert);
writeFileSync(path.join(dir, 'key.pem'), certificate.key);

/** Replaces each, and fails where there is nothing to replace. */
function changed(text: string, changes: readonly (readonly [from: RegExp, to: string])[]): string {
  return changes.reduce((before, [from, to]) => {
    assert.match(before, from);
    return before.replace(from, to);
  }, text);
}

function run(program: string, args: string[]): void {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: dir,
    XDG_DATA_HOME: dir,
    XDG_CONFIG_HOME: dir,
    LIVEKIT_UPSTREAM,
  };
  const child: ChildProcess = spawn(program, args, { stdio: 'ignore', env: { ...env, STREAMHUB_UPSTREAM } });
  const exited = once(child, 'exit');
  scope.after(async () => {
    // nginx ends its workers only when asked; asked politely, Caddy waits for open connections
    child.kill(program === 'nginx' ? 'SIGTERM' : 'SIGKILL');
    await exited;
  });
}

/** Puts text into a whole nginx.conf, has nginx check it, and starts it. */
function nginx(name: string, before: string, text: string, after = ''): void {
  const home = path.join(dir, name);
  mkdirSync(path.join(home, 'logs'), { recursive: true });
  const conf = path.join(home, 'nginx.conf');
  writeFileSync(
    conf,
    // the workers of a root test may write into its folder
    `${process.getuid?.() === 0 ? 'user root; ' : ''}worker_processes 1; daemon off; pid ${home}/nginx.pid; error_log ${home}/logs/error.log;\n${before}\n${text}\n${after}`,
  );
  execFileSync('nginx', ['-t', '-q', '-c', conf, '-p', home]);
  run('nginx', ['-c', conf, '-p', home]);
}

const certificates = [
  [/ssl_certificate \S+;/g, `ssl_certificate ${dir}/cert.pem;`],
  [/ssl_certificate_key \S+;/g, `ssl_certificate_key ${dir}/key.pem;`],
] as const;
const livekit = startLivekit(scope);
const daemon = await testDaemon(scope, {
  PORT: String(await freePort()),
  PUBLIC_BASE_URL: 'https://stream.example.com',
});
const STREAMHUB_UPSTREAM = new URL(daemon.url).host;
const LIVEKIT_UPSTREAM = typeof livekit === 'string' ? '127.0.0.1:1' : new URL(livekit.url).host;

const START: Readonly<Record<ProxyName, (port: number) => Promise<void>>> = {
  async nginx(port) {
    const text = changed(file('nginx.conf'), [
      ...certificates,
      [/127\.0\.0\.1:3020/, STREAMHUB_UPSTREAM],
      [/127\.0\.0\.1:7880/, LIVEKIT_UPSTREAM],
      [/^ *listen \[::\].*$/gm, ''],
      [/listen 443 /g, `listen 127.0.0.1:${port} `],
      [/listen 80;/, `listen 127.0.0.1:${await freePort()};`],
    ]);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${dir}/${name};`,
    );
    nginx('http', `events {} http { access_log off; ${temporary.join(' ')}`, text, '}');
  },
  async caddy(port) {
    const conf = path.join(dir, 'Caddyfile');
    // without a network, Caddy signs the certificates itself
    const options = `{\n\tadmin off\n\tauto_https disable_redirects\n\tlocal_certs\n\tskip_install_trust\n\thttps_port ${port}\n}\n`;
    writeFileSync(conf, options + file('Caddyfile'));
    execFileSync('caddy', ['validate', '--config', conf, '--adapter', 'caddyfile'], {
      stdio: 'ignore',
      env: { ...process.env, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
    });
    run('caddy', ['run', '--config', conf, '--adapter', 'caddyfile']);
  },
};

for (const name of PROXIES)
  describe(`the file for ${name}`, { skip: missing(name) }, () => {
    const port = freePort();
    const started = port.then((free) => START[name](free));
    const origin = async (host: string) => {
      await started;
      return `https://${host}:${await port}`;
    };

    test('passes the API on as HTTPS, with bodies as large as the daemon takes', async () => {
      const url = await origin('stream.example.com');
      await until(`${name} answers`, () =>
        fetch(url).then(
          () => true,
          () => false,
        ),
      );
      const api = new Client(url, daemon.token);
      assert.equal((await api.get('/health')).status, 200);
      const { headers } = await api.post(
        '/auth/browser-session',
        { keep: true },
        { origin: 'https://stream.example.com' },
      );
      assert.match(headers.get('set-cookie') ?? '', /^__Host-streamhub-.*; Secure/);
      const large = await api.post('/apps/live/config/raw/validate', { yaml: `# ${'x'.repeat(1_000_000)}\n` });
      assert.equal(large.body.details?.[0].path, 'body.yaml', `read by the daemon: ${large.text.slice(0, 300)}`);
      assert.deepEqual(daemon.services.warnings.list(), [], 'the proxy is trusted');
    });

    test('passes events on as they happen', async () => {
      const events = await readEvents(scope as never, await origin('stream.example.com'), daemon.token);
      await events.next('hello');
      await daemon.api.post('/apps', { name: `of-${name}` });
      await events.next('app.created');
      events.close();
    });

    test('passes LiveKit’s WebSocket on', { skip: typeof livekit === 'string' && livekit }, async () => {
      const token = await (livekit as LivekitServer).token('room', name);
      const url = (await origin('livekit.example.com')).replace('https', 'wss');
      const socket = new WebSocket(`${url}/rtc?access_token=${token}&protocol=15&sdk=js`, {
        agent: new https.Agent(here as never),
      });
      const [message] = await once(socket, 'message');
      assert.ok((message as Buffer).length > 0, 'the answer to a join');
      socket.terminate();
    });
  });

const noTurn =
  missing('nginx') ||
  (typeof livekit === 'string' && livekit) ||
  (!existsSync(STREAM_MODULE) && 'nginx has no stream module here (libnginx-mod-stream)');
test('the file for TURN: LiveKit answers STUN through TLS of nginx', { skip: noTurn }, async () => {
  const [signal, rtc, udp, inner, outer] = (await Promise.all(Array.from({ length: 5 }, () => freePort()))) as number[];
  const yaml = path.join(dir, 'livekit.yaml');
  writeFileSync(
    yaml,
    `port: ${signal}\nbind_addresses: [127.0.0.1]\nkeys: {key: ${'s'.repeat(32)}}\nrtc: {tcp_port: ${rtc}, udp_port: ${udp}, use_external_ip: false, node_ip: 127.0.0.1}
turn: {enabled: true, domain: turn.example.com, tls_port: ${inner}, external_tls: true}\n`,
    { mode: 0o600 },
  );
  run(await livekitBinary(), ['--config', yaml]);
  const text = changed(file('nginx-turn.conf'), [
    ...certificates,
    [/listen 443 /, `listen 127.0.0.1:${outer} `],
    [/proxy_pass 127\.0\.0\.1:5349/, `proxy_pass 127.0.0.1:${inner}`],
  ]);
  nginx('turn', `load_module ${STREAM_MODULE};\nevents {}`, text);
  // a binding request (RFC 8489, section 5): type, length, cookie, transaction id
  const request = Buffer.from(`0001${'0000'}2112a442${'ab'.repeat(12)}`, 'hex');
  const answer = await until('an answer', async () => {
    const socket = tls.connect({ host: '127.0.0.1', port: outer as number, rejectUnauthorized: false });
    try {
      await once(socket, 'secureConnect');
      socket.write(request);
      // it ends without an answer while LiveKit doesn't listen yet
      for await (const bytes of socket.setTimeout(20_000, () => socket.destroy())) return bytes as Buffer;
    } catch {
      return undefined;
    } finally {
      socket.destroy();
    }
  });
  assert.equal(answer.toString('hex', 0, 2), '0101', 'a binding success response');
  assert.equal(answer.toString('hex', 8, 20), 'ab'.repeat(12));
});
