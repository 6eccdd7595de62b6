// The join command as an operator pastes it, against a running daemon, into a separate folder.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { before, describe } from 'node:test';
import { promisify } from 'node:util';
import { type Identity, layoutOf, readJson } from '#daemon/edge/layout.ts';
import { isAlive } from '#daemon/edge/process-table.ts';
import type { ClusterNode } from '#shared/schema/cluster.ts';
import { blockScope, Client, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { edgeFlags, endNode, nodeAt, untilNode } from '#test/helpers/edge-node.ts';
import { type LivekitServer, livekitBinary, startLivekit } from '#test/helpers/livekit.ts';
import { until } from '#test/helpers/until.ts';

const run = promisify(execFile);
/** With a character that a shell would take to pieces. */
const TOKEN = "clt_it's $HOME;0123456789abcdef";

const scope = blockScope();
const livekit = startLivekit(scope);
const skip = typeof livekit === 'string' ? livekit : false;

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

describe('the one-liner', { skip }, () => {
  let daemon: TestDaemon;
  let settings: Record<string, string>;
  /** As created for a machine; each is good for one. */
  const newCommand = async (): Promise<string> => (await daemon.api.post('/cluster/join-codes')).body.data.joinCommand;
  let command: string;
  let argumentsFile: string;
  let home: string;
  let prefix: string;
  let url: string;
  let flags: string;
  let env: NodeJS.ProcessEnv;

  /** As typed at a shell. */
  const shell = async (line: string, more: NodeJS.ProcessEnv = {}): Promise<Outcome> => {
    try {
      return { code: 0, ...(await run('/bin/bash', ['-c', `set -o pipefail; ${line}`], { env: { ...env, ...more } })) };
    } catch (error) {
      const { code, stdout, stderr } = error as Outcome;
      return { code, stdout, stderr };
    }
  };
  const nodes = async (): Promise<ClusterNode[]> => (await daemon.api.get('/cluster/nodes')).body.data;

  before(async () => {
    const server = livekit as LivekitServer;
    settings = {
      ...server.env,
      STREAMHUB_CLUSTER_TOKEN: TOKEN,
      STREAMHUB_CLUSTER_REDIS_URL: server.redisUrl,
      STREAMHUB_CLUSTER_STALE_S: '9',
    };
    daemon = await testDaemon(scope, settings);
    command = await newCommand();
    home = mkdtempSync(path.join(os.tmpdir(), 'streamhub-oneliner-'));
    prefix = path.join(home, 'a node');
    scope.after(() => endNode(prefix, home));
    const own = await edgeFlags(prefix, 'pasted');
    url = own.url;
    flags = own.flags.map((word) => `'${word}'`).join(' ');
    // sudo would ask for a password where the tests do not run as root; it is not what is tested
    const bin = path.join(home, 'bin');
    mkdirSync(bin);
    // every program that gets the chance writes down its arguments, as the process list and sudo's log show them
    argumentsFile = path.join(home, 'arguments');
    for (const [name, real] of [
      ['sudo', ''],
      ['curl', '/usr/bin/curl'],
      ['node', process.execPath],
    ]) {
      const file = path.join(bin, name as string);
      writeFileSync(file, `#!/bin/sh\necho "${name} $*" >>'${argumentsFile}'\nexec ${real} "$@"\n`);
      chmodSync(file, 0o755);
    }
    env = { HOME: home, PATH: `${bin}:${path.dirname(process.execPath)}:${process.env['PATH']}` };
  });

  test('the script is public and holds no secret; the agent has the checksum that it names', async () => {
    const anonymous = new Client(daemon.url, null);
    const script = await anonymous.get('//install.sh');
    assert.equal(script.status, 200);
    assert.match(script.headers.get('content-type') ?? '', /^text\/x-shellscript/);
    assert.ok(script.text.startsWith('#!/bin/sh\n'));
    assert.ok(!/@[A-Z0-9_]+@/.test(script.text), 'every place is filled in');
    for (const secret of [TOKEN, (livekit as LivekitServer).apiSecret]) assert.ok(!script.text.includes(secret));
    const sha256 = /^AGENT_SHA256=([0-9a-f]{64})$/m.exec(script.text)?.[1] ?? '';
    const agent = await fetch(`${daemon.url}/install/${sha256}/streamhub-edge.mjs`);
    assert.equal(agent.status, 200);
    assert.equal(
      createHash('sha256')
        .update(new Uint8Array(await agent.arrayBuffer()))
        .digest('hex'),
      sha256,
    );
    assert.equal((await fetch(`${daemon.url}/install/${'0'.repeat(64)}/streamhub-edge.mjs`)).status, 404);
  });

  test('--dry-run says what would be done and does nothing', async () => {
    const { code, stdout, stderr } = await shell(`${command} ${flags} --dry-run`);
    assert.equal(code, 0, stderr);
    for (const line of ['would register the node pasted', 'would use livekit-server from', 'would write']) {
      assert.ok(stdout.includes(line), stdout);
    }
    assert.ok(!stdout.includes(TOKEN));
    assert.equal(existsSync(prefix), false);
    assert.equal((await nodes()).length, 1);
  });

  test('pasted as it stands it ends with a node that is alive', async () => {
    const { code, stdout, stderr } = await shell(`${command} ${flags} --region eu --node-url wss://pasted.example.com`);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /the node is alive/);
    const shown = readFileSync(argumentsFile, 'utf8');
    for (const program of ['sudo sh -s -- --join', 'curl -fsSL', 'node '])
      assert.ok(shown.includes(`${program}`), program);
    const [secret = ''] = /shj_[\w-]+/.exec(command) ?? [];
    assert.ok(secret.length > 20 && !shown.includes(secret), 'no process list and no log of sudo shows the code');
    const agentEnvironment = readFileSync(
      `/proc/${readJson<{ pid: number }>(layoutOf(prefix).agentPid)?.pid}/environ`,
      'utf8',
    );
    assert.ok(!agentEnvironment.includes(secret), 'the agent does not inherit it');
    assert.ok(!shown.includes(TOKEN) && !command.includes(TOKEN));
    const found = (await nodes()).find((node) => node.name === 'pasted');
    assert.ok(found);
    assert.deepEqual([found.health, found.stale, found.status], ['alive', false, 'active']);
    assert.equal(found.agent?.livekit.state, 'running');
    const layout = layoutOf(prefix);
    for (const file of [layout.identity, layout.livekitConfig]) assert.equal(statSync(file).mode & 0o777, 0o600, file);
    assert.ok(!readFileSync(layout.identity, 'utf8').includes(TOKEN), 'the shared token does not stay on the machine');
    assert.ok(!readFileSync(layout.agentLog, 'utf8').includes(TOKEN));
    const config = readFileSync(layout.livekitConfig, 'utf8');
    assert.ok(config.includes(`${daemon.url}/api/v1/webhooks/livekit`));
    const metrics = readJson<Identity>(layout.identity)?.livekit.metricsUrl ?? '';
    assert.equal((await fetch(metrics)).status, 401, 'the metrics ask for a password');
    // the node's LiveKit is one with the cluster: what was made elsewhere is seen there
    const { rooms } = livekit as LivekitServer;
    await rooms.createRoom({ name: 'seen', nodeId: found.agent?.livekit.nodeId as string });
    const node = await nodeAt(daemon, prefix, 'pasted', url);
    await untilNode(daemon, node, 'hosting the room', (record) => record.agent?.livekit.rooms === 1);
    await rooms.deleteRoom('seen');
  });

  test('pasted again without flags it keeps node, settings and LiveKit, even after the node was renamed', async () => {
    const node = await nodeAt(daemon, prefix, 'pasted', url);
    const before = node.livekit();
    const layout = layoutOf(prefix);
    const installed = () => {
      const { nodeToken: _, name: _name, ...identity } = readJson<Identity>(layout.identity) as Identity;
      return { identity, config: readFileSync(layout.livekitConfig, 'utf8') };
    };
    const first = installed();
    await daemon.api.patch(`/cluster/nodes/${node.id}`, { name: 'renamed', region: 'home' });
    const { code, stdout, stderr } = await shell(command, { STREAMHUB_EDGE_DIR: prefix });
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(installed(), first);
    // as an older installation, which kept no flags
    const { setup: _, ...older } = readJson<Identity>(layout.identity) as Identity;
    writeFileSync(layout.identity, JSON.stringify(older));
    const again = await shell(command, { STREAMHUB_EDGE_DIR: prefix });
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.equal(installed().config, first.config);
    assert.deepEqual(installed().identity.livekit, first.identity.livekit);
    const list = await nodes();
    assert.deepEqual(
      list.filter((one) => one.id !== 'origin').map((one) => [one.id, one.name, one.region, one.url]),
      [[node.id, 'renamed', 'home', 'wss://pasted.example.com']],
    );
    // another address could be another daemon's, so it isn't sent the credential
    const elsewhere = `--master-url 'http://localhost:${new URL(daemon.url).port}'`;
    const moved = await shell(`${await newCommand()} ${elsewhere}`, { STREAMHUB_EDGE_DIR: prefix });
    assert.match(moved.stderr, /joining failed: A node named renamed is active/);
    assert.ok(moved.stderr.includes(`stop the agent with “kill ${node.agent()?.pid}”`), moved.stderr);
    assert.deepEqual(node.livekit(), before, 'LiveKit was not restarted');
    assert.ok(isAlive(node.agent()));
  });

  test('the daemon is away for a while: the node goes on, and is there again without anybody’s help', async () => {
    const node = await nodeAt(daemon, prefix, 'renamed', url);
    const mark = node.livekit();
    const before = node.agentLog().length;
    const said = async (text: string) => {
      await until(`the agent logs "${text}"`, () => node.agentLog().slice(before).includes(text), { every: 100 });
    };
    await daemon.stop();
    await said('the daemon rejects heartbeats');
    assert.ok(isAlive(mark));
    daemon = await testDaemon(scope, { ...settings, PORT: new URL(daemon.url).port }, { dataDir: daemon.dataDir });
    await said('the daemon accepts heartbeats again');
    const record = await untilNode(daemon, node, 'alive', (one) => one.health === 'alive');
    assert.equal(record.agent?.livekit.state, 'running');
    assert.equal(record.livekit_keys, 'current');
    assert.deepEqual(node.livekit(), mark, 'LiveKit was left alone');
  });

  test('a daemon that is away: what is set up stays, with a warning', async () => {
    const away = command.replaceAll(daemon.url, 'http://127.0.0.1:9');
    const layout = layoutOf(prefix);
    const before = readFileSync(layout.livekitConfig, 'utf8');
    const node = await nodeAt(daemon, prefix, 'renamed', url);
    const { code, stderr } = await shell(`${away} ${flags}`);
    assert.notEqual(code, 0, 'the script itself cannot be fetched');
    assert.match(stderr, /curl/);
    const mark = node.livekit();
    const again = await shell(
      `'${process.execPath}' '${layout.agent}' install --master-url http://127.0.0.1:9 ${flags}`,
      {
        STREAMHUB_MASTER_TOKEN: TOKEN,
      },
    );
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, /warning: .* its configuration is kept/);
    assert.deepEqual(node.livekit(), mark);
    assert.equal(readFileSync(layout.livekitConfig, 'utf8'), before);
  });

  test('what is wrong is said in one line, and nothing is left behind', async () => {
    const other = path.join(home, 'other');
    const common = `${flags} --prefix '${other}' --node-name other --livekit-port 0 --metrics-port 0`;
    const [portFile, metricsFile] = ['port: 7999', 'prometheus: {port: 6999}'].map((text, i) => {
      const file = path.join(home, `extra-${i}.yaml`);
      writeFileSync(file, text);
      return file;
    });
    const cases: [string, RegExp][] = [
      [`${command} --then --master-token ''`, /join code is unknown, used, revoked or expired.*new join command/],
      [command.replace(/shj_[\w-]+/, 'shj_wrong'), /join code is unknown/],
      [command.replace(/echo \S+;/, ''), /the join code is missing/],
      [`${command} --then --livekit-binary /nowhere`, /does not exist/],
      [`${command} --then --livekit-port 99999`, /not a port/],
      [`${command} --then --livekit-extra '${portFile}'`, /remove port and use --livekit-port instead/],
      [`${command} --then --livekit-extra '${metricsFile}'`, /remove prometheus and use --metrics-port instead/],
      [`${command} --then --unknown-flag`, /Unknown option '--unknown-flag'/],
      [command.replace(/--master-url \S+/, ''), /--master-url is missing/],
    ];
    for (const [line, wanted] of cases) {
      const [before, own] = line.split(' --then ');
      const { code, stderr } = await shell(`${before} ${common} ${own ?? ''}`);
      assert.notEqual(code, 0, line);
      assert.match(stderr, wanted);
      assert.equal(existsSync(other), false);
    }
    assert.equal(
      (await nodes()).some((one) => one.name === 'other'),
      false,
    );
  });

  test('a LiveKit that doesn’t start is named with its reason, although the node reports', async () => {
    const failing = path.join(home, 'failing');
    scope.after(() => endNode(failing, failing));
    const program = path.join(home, 'failing-server');
    writeFileSync(
      program,
      '#!/bin/sh\n[ "$1" = --version ] && { echo version 1.0.0; exit; }\necho unable to connect to redis\nexit 1\n',
      { mode: 0o755 },
    );
    const { code, stderr } = await shell(
      `${await newCommand()} ${flags} --node-name failing --prefix '${failing}' --livekit-binary '${program}' --livekit-port 0 --metrics-port 0`,
    );
    assert.notEqual(code, 0);
    assert.match(stderr, /the node reports, but its LiveKit doesn’t start: unable to connect to redis/);
    const { stdout } = await shell(
      `curl -fsSL ${daemon.url}/install.sh | sudo sh -s -- --uninstall --prefix '${failing}'`,
    );
    assert.match(stdout, /failing has left the cluster/);
  });

  test('files that are not what they should be are refused by their checksum', async () => {
    const server = createServer((_request, response) => response.end('not the file'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const script = path.join(home, 'install.sh');
    writeFileSync(script, (await new Client(daemon.url, null).get('//install.sh')).text);
    try {
      const agent = await shell(`sh '${script}' --join --master-token x --master-url ${elsewhere}`);
      assert.match(agent.stderr, /not the one it should be \(checksum\)/);
      const bare = path.join(home, 'bare');
      mkdirSync(bare);
      for (const tool of ['bash', 'curl', 'tar', 'sha512sum', 'uname', 'mktemp', 'rm', 'env', 'cut']) {
        const { stdout } = await run('sh', ['-c', `command -v ${tool}`]);
        copyFileSync(stdout.trim(), path.join(bare, tool));
      }
      const noNode = { PATH: bare, STREAMHUB_NPM_REGISTRY: elsewhere };
      const wanted = `bash '${script}' --join --master-token x --master-url ${daemon.url} --prefix '${home}/n'`;
      const node = await shell(wanted, noNode);
      assert.match(node.stderr, /node-linux-\w+-[\d.]+\.tgz is not the one it should be \(checksum\)/);
      const dry = await shell(`${wanted} --dry-run`, noNode);
      assert.match(dry.stdout, /would fetch Node 24\.\d+\.\d+ from/);
      assert.equal(existsSync(path.join(home, 'n')), false);
      const release = await shell(
        `${await newCommand()} --prefix '${home}/n' --no-systemd --node-name n --livekit-port 0 --metrics-port 0 --livekit-mirror ${elsewhere}`,
        { PATH: `${path.join(home, 'bin')}:${path.dirname(process.execPath)}:/usr/bin:/bin` },
      );
      assert.match(release.stderr, /is not the expected release: its SHA-256 is/);
      assert.equal(existsSync(path.join(home, 'n', 'bin', 'livekit-server')), false);
    } finally {
      server.close();
    }
  });

  test('on a system with BusyBox the script finds right files right and wrong files wrong', async () => {
    const small = path.join(home, 'busybox');
    mkdirSync(small);
    const busybox = (await run('sh', ['-c', 'command -v busybox'])).stdout.trim();
    const { stdout } = await run(busybox, ['--list']);
    const applets = new Set([...stdout.trim().split('\n'), 'busybox']);
    for (const applet of applets) symlinkSync(busybox, path.join(small, applet));
    symlinkSync('/usr/bin/curl', path.join(small, 'curl'));
    const script = path.join(home, 'install-small.sh');
    const text = (await new Client(daemon.url, null).get('//install.sh')).text;
    writeFileSync(script, text);
    const line = (more: string) =>
      `sh '${script}' --join --join-code x --master-url ${daemon.url} --prefix '${home}/small' ${more} --dry-run`;
    const withNode = { PATH: `${small}:${path.dirname(process.execPath)}` };
    assert.match((await shell(line(''), { PATH: small })).stdout, /would fetch Node 24/);
    // Alpine's ldd tells that it is musl's, on stderr and with status 1; a small system has none, but the loader
    const musl = path.join(home, 'musl');
    const loaders = path.join(home, 'loaders');
    for (const folder of [musl, loaders]) mkdirSync(folder);
    writeFileSync(path.join(musl, 'ldd'), '#!/bin/sh\necho "musl libc (x86_64)\nVersion 1.2.5" >&2\nexit 1\n', {
      mode: 0o755,
    });
    writeFileSync(path.join(loaders, 'ld-musl-x86_64.so.1'), '');
    const alpine = text.replace(/ \/lib(?:64)?\/ld-/g, ` ${loaders}/ld-`);
    for (const [variant, search] of [
      [text, `${musl}:${small}`],
      [alpine, small],
    ] as const) {
      writeFileSync(script, variant);
      const { code, stdout: told, stderr } = await shell(line('').replace(' --dry-run', ''), { PATH: search });
      assert.notEqual(code, 0);
      assert.match(stderr, /this system uses musl .*install Node 24 \(apk add nodejs\)/);
      assert.doesNotMatch(told + stderr, /fetching/);
    }
    writeFileSync(script, text);
    const binary = await livekitBinary();
    const right = await shell(line(`--no-systemd --livekit-binary '${binary}' --node-ip 203.0.113.7`), withNode);
    assert.equal(right.code, 0, right.stderr);
    assert.match(right.stdout, /would register the node/);
    // a tool that is named but is not there, and one that prints something else
    const broken = path.join(home, 'broken');
    mkdirSync(broken);
    const stub = (tool: string, body: string) =>
      writeFileSync(path.join(broken, tool), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    stub('sha256sum', 'echo "sha256sum: applet not found" >&2; exit 127');
    const search = `${broken}:${withNode.PATH}`;
    const other = await shell(line(`--no-systemd --livekit-binary '${binary}' --node-ip 203.0.113.7`), {
      PATH: search,
    });
    assert.equal(other.code, 0, other.stderr);
    for (const tool of ['busybox', 'openssl', 'shasum']) stub(tool, 'echo "usage: none of these"; exit 1');
    assert.match((await shell(line(''), { PATH: search })).stderr, /no tool for SHA-256 checksums/);
    writeFileSync(script, text.replace(/^AGENT_SHA256=.*$/m, `AGENT_SHA256=${'0'.repeat(64)}`));
    assert.match((await shell(line(''), withNode)).stderr, /the agent cannot be fetched .* it answers with an error/);
  });

  test('--uninstall takes the node out of the cluster and everything off the machine', async () => {
    const node = await nodeAt(daemon, prefix, 'renamed', url);
    const [agent, mark] = [node.agent(), node.livekit()];
    assert.ok(isAlive(agent) && isAlive(mark));
    const script = `curl -fsSL ${daemon.url}/install.sh | sudo sh -s -- --uninstall`;
    const dry = await shell(`${script} --prefix '${prefix}' --dry-run`);
    assert.match(
      dry.stdout,
      /This is removed:\n {2}renamed from the cluster[\s\S]*This is kept:[\s\S]*Nothing was removed/,
    );
    assert.ok(isAlive(agent));
    const { code, stdout, stderr } = await shell(`${script} --prefix '${prefix}'`);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /renamed has left the cluster/);
    assert.deepEqual([isAlive(agent), isAlive(mark), existsSync(prefix)], [false, false, false]);
    assert.deepEqual(
      (await nodes()).map((one) => one.id),
      ['origin'],
    );
    assert.match((await shell(`${script} --prefix '${prefix}'`)).stdout, /no node is installed/);
  });
});

test('a machine without a LiveKit server is told where one comes from', async () => {
  const { chooseBinary, LIVEKIT_RELEASE, installBinary, versionOf } = await import('#daemon/edge/livekit-binary.ts');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'streamhub-path-'));
  try {
    const request = { installed: path.join(folder, 'none'), searchPath: folder, arch: 'x64' };
    assert.deepEqual(chooseBinary(request), {
      kind: 'release',
      url: `${LIVEKIT_RELEASE.base}/livekit_1.13.5_linux_amd64.tar.gz`,
      sha256: LIVEKIT_RELEASE.archives['x64']?.sha256,
    });
    writeFileSync(path.join(folder, 'livekit-server'), '#!/bin/sh\n', { mode: 0o755 });
    assert.equal(chooseBinary(request).kind, 'path');
    assert.throws(() => chooseBinary({ ...request, searchPath: '', arch: 'riscv64' }), /--livekit-binary/);
    assert.throws(() => chooseBinary({ ...request, given: path.join(folder, 'nothing') }), /does not exist/);

    // an archive with the right checksum is unpacked to its place and runs; the real one cannot be fetched here
    writeFileSync(path.join(folder, 'livekit-server'), '#!/bin/sh\necho livekit-server version 9.9.9\n', {
      mode: 0o755,
    });
    await run('tar', ['-czf', path.join(folder, 'release.tar.gz'), '-C', folder, 'livekit-server']);
    const archive = readFileSync(path.join(folder, 'release.tar.gz'));
    const server = createServer((_request, response) => response.end(archive));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/release.tar.gz`;
      const sha256 = createHash('sha256').update(archive).digest('hex');
      const target = path.join(folder, 'bin', 'livekit-server');
      mkdirSync(path.dirname(target));
      const placed = await installBinary({ kind: 'release', url, sha256 }, target);
      assert.deepEqual([placed, await versionOf(placed)], [target, '9.9.9']);
    } finally {
      server.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  assert.equal(typeof (await livekitBinary()), 'string');
});
