// An edge node under a real systemd: a separate manager, in a mount namespace of its own.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test, { before, describe } from 'node:test';
import { promisify } from 'node:util';
import { layoutOf } from '#daemon/edge/layout.ts';
import { isAlive, processRef, signal } from '#daemon/edge/process-table.ts';
import type { ClusterNode } from '#shared/schema/cluster.ts';
import { makeCertificate, type TlsFront, tlsFront } from '#test/helpers/certificates.ts';
import { blockScope, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { bundleAgent, type EdgeNode, edgeFlags, endNode, nodeAt, untilNode } from '#test/helpers/edge-node.ts';
import { type LivekitServer, startLivekit } from '#test/helpers/livekit.ts';
import { forwardProxy } from '#test/helpers/proxies.ts';
import { until } from '#test/helpers/until.ts';

const run = promisify(execFile);
const TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';
const MANAGER = ['/lib/systemd/systemd', '/usr/lib/systemd/systemd'].find((file) => existsSync(file));

const scope = blockScope();

interface Systemd {
  /** Runs a program where this systemd is in charge. */
  inside(program: string, args: string[], env?: NodeJS.ProcessEnv): Promise<{ stdout: string; stderr: string }>;
  show(unit: string, property: string): Promise<string>;
}

/** A user manager that believes the machine was booted with systemd; or why there can be none. */
async function startSystemd(home: string): Promise<Systemd | string> {
  if (MANAGER === undefined) return 'there is no systemd on this machine';
  if (process.getuid?.() !== 0) return 'a mount namespace needs root';
  const script = `mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/user/0 && chmod 700 /run/user/0 && exec ${MANAGER} --user --log-target=console`;
  const env = {
    ...process.env,
    HOME: home,
    XDG_RUNTIME_DIR: '/run/user/0',
    XDG_CONFIG_HOME: path.join(home, '.config'),
  };
  const child: ChildProcess = spawn('unshare', ['-m', 'bash', '-c', script], { env, stdio: 'ignore' });
  const gone = new Promise<true>((resolve) => {
    child.once('exit', () => resolve(true));
    child.once('error', () => resolve(true));
  });
  const inside: Systemd['inside'] = (program, args, more = {}) =>
    run('nsenter', [`--mount=/proc/${child.pid}/ns/mnt`, program, ...args], {
      env: { ...env, ...more },
      timeout: 90_000,
    });
  scope.after(async () => {
    await inside('systemctl', ['--user', 'exit']).catch(() => child.kill('SIGKILL'));
    await gone;
  });
  for (let i = 0; i < 100; i += 1) {
    const state = await inside('systemctl', ['--user', 'is-system-running']).catch(() => undefined);
    if (state?.stdout.trim() === 'running') {
      const show: Systemd['show'] = async (unit, property) =>
        (await inside('systemctl', ['--user', 'show', `--property=${property}`, '--value', unit])).stdout.trim();
      return { inside, show };
    }
    if (await Promise.race([gone, new Promise<false>((resolve) => setTimeout(() => resolve(false), 100))])) break;
  }
  return 'systemd does not run in a namespace here';
}

const home = mkdtempSync(path.join(os.tmpdir(), 'streamhub-systemd-'));
const prefix = path.join(home, 'edge node');
scope.after(() => endNode(prefix, home));
const livekit = startLivekit(scope);
const systemd = typeof livekit === 'string' ? livekit : await startSystemd(home);
const skip = typeof systemd === 'string' ? systemd : false;

describe('an edge node under systemd', { skip }, () => {
  const { inside, show } = systemd as Systemd;
  let daemon: TestDaemon;
  let node: EdgeNode;
  let bundle: string;
  let flags: string[];
  let front: TlsFront;
  // a name that only the forward proxy knows, so everything that arrives came through it
  const install = (more: string[] = [], env: NodeJS.ProcessEnv = {}) =>
    inside(process.execPath, [bundle, 'install', '--master-url', 'https://daemon.test', ...flags, ...more], {
      STREAMHUB_MASTER_TOKEN: TOKEN,
      ...env,
    });
  const pid = async (unit: string) => Number(await show(`streamhub-${unit}.service`, 'MainPID'));
  const isRunning = (record: ClusterNode) =>
    record.agent?.livekit.state === 'running' && record.agent.livekit.nodeId !== null;

  before(async () => {
    const server = livekit as LivekitServer;
    daemon = await testDaemon(scope, {
      ...server.env,
      STREAMHUB_CLUSTER_TOKEN: TOKEN,
      STREAMHUB_CLUSTER_REDIS_URL: server.redisUrl,
      STREAMHUB_CLUSTER_STALE_S: '9',
    });
    bundle = await bundleAgent(scope);
    const own = await edgeFlags(prefix, 'unit');
    flags = [...own.flags.filter((flag) => flag !== '--no-systemd'), '--systemd-user'];
    const authority = await makeCertificate('Internal authority', { authority: true });
    const certificate = await makeCertificate('daemon', { signedBy: authority, names: ['daemon.test'] });
    front = await tlsFront(scope, daemon.url, certificate);
    const ca = path.join(home, 'authority.pem');
    writeFileSync(ca, authority.cert);
    const proxy = await forwardProxy(scope, ({ url }) => (url === 'daemon.test:443' ? front.port : undefined));
    const { stdout } = await install(['--ca', ca], { HTTPS_PROXY: proxy });
    rmSync(ca);
    assert.match(stdout, /streamhub-edge\.service is enabled and running/);
    node = await nodeAt(daemon, prefix, 'unit', own.url);
  });

  test('both units run, and the registry knows who supervises', async () => {
    for (const unit of ['edge', 'livekit'])
      assert.equal(await show(`streamhub-${unit}.service`, 'ActiveState'), 'active');
    const record = await untilNode(daemon, node, 'running', isRunning);
    assert.equal(record.agent?.supervisor, 'systemd');
  });

  test('LiveKit’s webhooks take the proxy and trust the authority, as the agent’s heartbeats do', async () => {
    const { agent } = await untilNode(daemon, node, 'running', isRunning);
    const { rooms } = livekit as LivekitServer;
    await rooms.createRoom({ name: 'seen', nodeId: agent?.livekit.nodeId as string });
    await until('a webhook arrives', () => front.received().includes('POST /api/v1/webhooks/livekit'));
    await rooms.deleteRoom('seen');
    assert.match(await readFile(layoutOf(prefix).livekitEnv, 'utf8'), /^HTTPS_PROXY="http:/);
  });

  test('an installation that runs again leaves LiveKit alone', async () => {
    const before = await pid('livekit');
    await install();
    assert.equal(await pid('livekit'), before);
    await untilNode(daemon, node, 'running', isRunning);
  });

  test('agent and LiveKit are brought back after a kill -9, each without the other', async () => {
    const livekitPid = await pid('livekit');
    const agent = processRef(await pid('edge'));
    assert.ok(agent);
    signal(agent, 'SIGKILL');
    await until(
      'another agent runs',
      async () => isAlive(processRef(await pid('edge'))) && (await pid('edge')) !== agent.pid,
      { every: 100 },
    );
    assert.equal(await pid('livekit'), livekitPid);
    const before = (await untilNode(daemon, node, 'running', isRunning)).agent?.livekit.nodeId;
    const ref = processRef(livekitPid);
    assert.ok(ref);
    signal(ref, 'SIGKILL');
    await untilNode(daemon, node, 'started again', (n) => isRunning(n) && n.agent?.livekit.nodeId !== before);
  });

  test('a drained LiveKit is an inactive unit, no failed one; active starts it', async () => {
    await daemon.api.patch(`/cluster/nodes/${node.id}`, { status: 'draining' });
    await untilNode(daemon, node, 'drained', (n) => n.drain?.drained === true);
    assert.equal(await show('streamhub-livekit.service', 'ActiveState'), 'inactive');
    assert.equal(await show('streamhub-livekit.service', 'Result'), 'success');
    await daemon.api.patch(`/cluster/nodes/${node.id}`, { status: 'active' });
    await untilNode(daemon, node, 'back', isRunning);
    await daemon.api.patch(`/cluster/nodes/${node.id}`, { status: 'disabled' });
    await untilNode(daemon, node, 'stopped', (n) => n.agent?.livekit.state === 'stopped');
    assert.equal(await pid('livekit'), 0);
    await daemon.api.patch(`/cluster/nodes/${node.id}`, { status: 'active' });
    await untilNode(daemon, node, 'back', isRunning);
  });

  test('a removed node’s agent ends for good, and uninstall takes the units away', async () => {
    await daemon.api.delete(`/cluster/nodes/${node.id}`);
    await until('the unit has failed', async () => (await show('streamhub-edge.service', 'ActiveState')) === 'failed', {
      every: 100,
    });
    assert.equal(
      await show('streamhub-edge.service', 'ExecMainStatus'),
      '10',
      'its own exit code, which is not restarted',
    );
    assert.equal(await pid('livekit'), 0);
    await install();
    const again = (await daemon.api.get('/cluster/nodes')).body.data.find((one: ClusterNode) => one.name === 'unit');
    assert.equal(again.health, 'alive', 'joined anew, with the cluster token');
    await inside(process.execPath, [bundle, 'uninstall', '--prefix', prefix]);
    assert.equal(existsSync(prefix), false);
    assert.equal(existsSync(path.join(home, '.config/systemd/user/streamhub-edge.service')), false);
    assert.equal(await show('streamhub-edge.service', 'LoadState'), 'not-found');
    assert.equal((await daemon.api.get('/cluster/nodes')).body.data.length, 1);
  });
});
