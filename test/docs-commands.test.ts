// Every command and program of the documents is run as it is written, against a daemon, or says in its first line what it needs that isn't here.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse, parseAllDocuments, stringify } from 'yaml';
import type { Block } from '#build/site/markdown.ts';
import { SETTINGS } from '#daemon/platform/settings-table.ts';
import { propertiesOf } from '#shared/config/annotations.ts';
import { ConfigFile } from '#shared/config/schema.ts';
import { BIN, blockScope, ROOT, type TestDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { documentFiles as files, otherTestOf, PROGRAMS, documentPages as pages } from '#test/helpers/doc-samples.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';
import { freePort } from '#test/helpers/server-scripts.ts';
import { assertShown } from '#test/helpers/shown.ts';
import { until } from '#test/helpers/until.ts';

/** What a block may need that a test doesn't have, and how such a block is recognised. */
const NEEDS: Record<string, RegExp> = {
  '# Needs root.': /\bsudo\b/,
  '# Needs Docker.': /\bdocker\b/,
  '# Needs another host.': /\bssh\b|example\.com|<\w+>|\bFILE\b/,
  '# Needs PyPI.': /\bpip install\b/,
  '# Needs the built package.': /npm run package|streamhub-[\w.*-]+\.tgz|streamhub_\*\.deb/,
  '# Takes minutes.': /\bnpm (?:test|run (?:check|bench|package))\b/,
};
const SHELL = new Set(['sh', 'bash', 'shell', 'console']);
const COMMAND = /^\s*(?:\$ )?(?:[A-Z_]+=\S* )*(?:curl|streamhub|npm|npx|node|sudo|docker|git|wget|apt|pip)\b/m;
/** What doesn't end by itself: it has to print something, and is then ended. */
const FOLLOWS = /^(?:npm start|streamhub|streamhub start)$|^curl -N |^streamhub (?:logs|events)\b.* (?:-f|--follow)\b/m;

const CALLBACK_SECRET = 'a-secret-of-the-app';
/** A program that serves doesn't end by itself either; it listens here. */
const SERVES = /\b8080\b/;
const PYTHON = spawnSync('python3', ['--version']).status === 0;

const needOf = ({ text }: Block): string | undefined =>
  Object.keys(NEEDS).find((need) => text.replace(/^\/\//, '#').startsWith(`${need}\n`));

test('each block with a command is marked as one, and what it needs is true', () => {
  const wrong = pages.flatMap(({ file, blocks }) =>
    blocks.flatMap((block) => {
      const place = `${file}:${block.line}`;
      const need = needOf(block);
      if (need !== undefined && !NEEDS[need]?.test(block.text)) return [`${place}: nothing in it needs that: ${need}`];
      // made from the commands: how each is written, and its help
      const isSynopsis = file === 'docs/cli.md' && block.language === 'text';
      const other = otherTestOf(file, block);
      const isMarked = SHELL.has(block.language) || other !== undefined || isSynopsis;
      if (other !== undefined && !existsSync(path.join(ROOT, other))) return [`${place}: there is no ${other}`];
      return isMarked || !COMMAND.test(block.text) ? [] : [`${place}: mark it as sh, so that it is run`];
    }),
  );
  // an indented block has no language
  for (const file of files)
    for (const [line] of readFileSync(path.join(ROOT, file), 'utf8').matchAll(
      /^\n {4}(?:curl|streamhub|npm|sudo) .*/gm,
    ))
      wrong.push(`${file}: put a fence around ${line.trim()}`);
  assert.deepEqual(wrong, []);
});

test('a page that uses $BASE says where it is set', () => {
  const wrong = pages
    .filter(({ file, blocks }) => {
      const shell = blocks.filter(({ language }) => SHELL.has(language)).map(({ text }) => text);
      if (!shell.some((text) => /\$BASE\b/.test(text)) || shell.some((text) => /^(?:export )?BASE=/m.test(text)))
        return false;
      return !/quick-start\.md#2-look-around|^BASE=/m.test(readFileSync(path.join(ROOT, file), 'utf8'));
    })
    .map(({ file }) => file);
  assert.deepEqual(wrong, []);
});

test('scripts and commands that the text names are there', async () => {
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  const { stdout: help } = await promisify(execFile)(process.execPath, [BIN, '--help']);
  const wrong = files.flatMap((file) =>
    [
      ...readFileSync(path.join(ROOT, file), 'utf8').matchAll(
        /`(npm run|streamhub|npm start --) ([a-z][\w:-]*)\b[^`]*`/g,
      ),
    ]
      .filter(([, program, name = '']) =>
        program === 'npm run' ? !(name in scripts) : !new RegExp(`\\b${name}\\b`).test(help),
      )
      .map(([whole]) => `${file}: ${whole}`),
  );
  assert.deepEqual(wrong, []);
});

test('samples are what their language says', () => {
  const names = new Set<string>(Object.values(SETTINGS).map(({ env }) => env));
  const wrong = pages.flatMap(({ file, blocks }) =>
    blocks.flatMap(({ language, text, line }) => {
      const place = `${file}:${line}`;
      try {
        if (language === 'json') JSON.parse(text);
        if (language === 'yaml')
          for (const { errors } of parseAllDocuments(text)) if (errors[0] !== undefined) throw errors[0];
        if (language === 'dotenv')
          for (const [, name = ''] of text.matchAll(/^([^#\s=]+)=/gm))
            if (!names.has(name)) throw new Error(`${name} is not a setting`);
        return [];
      } catch (error) {
        return [`${place}: ${(error as Error).message}`];
      }
    }),
  );
  assert.deepEqual(wrong, []);
});

describe('commands of the documents', { skip: process.platform === 'win32' && 'they are for a POSIX shell' }, () => {
  const scope = blockScope();
  let shared: Promise<TestDaemon> | undefined;
  let s3: Promise<S3Server | string> | undefined;
  const startS3 = async (): Promise<S3Server | string> => {
    const light = startS3Server('versitygw');
    const server = typeof light === 'string' ? startS3Server() : light;
    if (typeof server === 'object') scope.after(() => server.stop());
    return server;
  };

  for (const { file, blocks } of pages) {
    const runnable = blocks.filter(
      (block) =>
        (SHELL.has(block.language) || PROGRAMS.has(block.language)) &&
        needOf(block) === undefined &&
        otherTestOf(file, block) === undefined,
    );
    if (runnable.length === 0) continue;
    test(file, async (t) => {
      const text = runnable.map((block) => block.text).join('');
      const server = /:9000|backblazeb2/.test(text) ? await (s3 ??= startS3()) : undefined;
      if (typeof server === 'string') return t.skip(server);
      const livekit = text.includes('/ingress ') ? startLivekit(t) : undefined;
      if (typeof livekit === 'string') return t.skip(livekit);
      const daemon = await (livekit === undefined ? (shared ??= docsDaemon(scope)) : docsDaemon(t, livekit.env));
      const session = await Session.open(t, daemon, server);
      for (const block of runnable) {
        const place = `${file}:${block.line}`;
        if (SHELL.has(block.language)) await session.run(block, answerOf(blocks, block), place);
        else if (block.language !== 'python' || PYTHON) await session.program(block, place);
        else t.diagnostic(`${place}: no python3`);
      }
    });
  }
});

const docsDaemon = (t: { after(step: () => unknown): void }, env: Record<string, string> = {}): Promise<TestDaemon> =>
  testDaemon(t, {
    LIVEKIT_URL: 'http://127.0.0.1:9',
    PUBLIC_WS_URL: 'wss://media.example.com',
    LIVEKIT_API_KEY: 'key',
    LIVEKIT_API_SECRET: 's'.repeat(32),
    STREAMHUB_CLUSTER_TOKEN: 'c'.repeat(32),
    STREAMHUB_CLUSTER_REDIS_URL: 'redis://127.0.0.1:9',
    ...env,
  });

test('samples of an app’s config.yaml are valid, and each key has an effect', async (t) => {
  const { api } = await testDaemon(t);
  const samples = pages.flatMap(({ file, blocks }) =>
    blocks
      .filter(({ language, text }) => language === 'yaml' && isConfig(parse(text)))
      .map(({ text, line }) => ({ place: `${file}:${line}`, text })),
  );
  assert.ok(samples.length > 0);
  for (const { place, text } of samples) {
    const needed = { name: 'live', room_prefix: 'live', transcoding: { enabled: false } };
    const yaml = stringify({ ...needed, ...parse(text) });
    const { body } = await api.post('/apps/live/config/raw/validate', { yaml });
    assert.deepEqual([body.data?.valid, body.data?.warnings], [true, []], place);
  }
});

/** Other samples are of LiveKit, a preset or a tool. */
const isConfig = (sample: unknown): boolean =>
  typeof sample === 'object' &&
  sample !== null &&
  Object.keys(sample).every((key) => key in (propertiesOf(ConfigFile) ?? {}));

/** The JSON that the document prints directly below a command. */
function answerOf(blocks: readonly Block[], { endLine }: Block): unknown {
  const next = blocks.find(({ language, line }) => language === 'json' && line > endLine && line <= endLine + 2);
  return next === undefined ? undefined : JSON.parse(next.text);
}

/** A shell of someone who reads a document: folder and variables stay from one block to the next. */
class Session {
  readonly #dir: string;
  readonly #daemon: TestDaemon;
  readonly #s3: S3Server | undefined;
  #running: { end(): Promise<void> } | undefined;

  private constructor(dir: string, daemon: TestDaemon, s3: S3Server | undefined) {
    this.#dir = dir;
    this.#daemon = daemon;
    this.#s3 = s3;
  }

  static async open(
    t: { after(step: () => unknown): void },
    daemon: TestDaemon,
    s3: S3Server | undefined,
  ): Promise<Session> {
    const dir = await temporaryDir(t);
    await mkdir(path.join(dir, 'bin'));
    await mkdir(path.join(dir, 'here'));
    const program = (name: string, text: string): Promise<void> =>
      writeFile(path.join(dir, 'bin', name), `#!/bin/sh\n${text}`, { mode: 0o755 });
    // a daemon that a document starts has its own data
    const ownData = `DATA_DIR='${dir}/started' PORT=0 STREAMHUB_CONSOLE_BUILD=off`;
    await program(
      'streamhub',
      `case "\${1-start}" in start) export ${ownData}; unset STREAMHUB_API_TOKEN;; esac\nexec '${process.execPath}' '${BIN}' "$@"\n`,
    );
    await program(
      'npm',
      `if [ "$1" = start ]; then shift; [ "$1" = -- ] && shift; exec streamhub "$@"; fi\nexec '${path.join(path.dirname(process.execPath), 'npm')}' "$@"\n`,
    );
    // the sources of the package: test/client/package.test.ts tries what is built of them
    const client = path.join(dir, 'here/node_modules/@streamhub/client');
    await mkdir(client, { recursive: true });
    await writeFile(path.join(client, 'package.json'), '{"type":"module","exports":"./client/index.ts"}');
    await symlink(path.join(ROOT, 'shared/client'), path.join(client, 'client'), 'junction');
    await writeFile(path.join(dir, 'variables'), `cd '${dir}/here'\n`);
    const session = new Session(dir, daemon, s3);
    t.after(() => session.#running?.end());
    return session;
  }

  async run(block: Block, answer: unknown, place: string): Promise<void> {
    const text = await this.#filled(block);
    const script = `set -euo pipefail
. '${this.#dir}/variables'
curl() { command curl --fail-with-body --silent --show-error "$@"; }
set -a
${text}
set +a
{ export -p | grep -v ' BASH\\| SHELLOPTS'; echo "cd '$PWD'"; } > '${this.#dir}/variables'
`;
    const child = this.#spawn('bash', ['-c', script]);
    if (FOLLOWS.test(block.text)) {
      await Promise.race([once(child.process.stdout as Readable, 'data'), child.ended]);
      assert.equal(child.process.exitCode, null, `${place} ended: ${child.output()}`);
      return child.end();
    }
    assert.equal(await child.ended, 0, `${place}:\n${text}\n${child.output()}`);
    if (answer !== undefined) assertShown(answer, JSON.parse(child.stdout()), place);
  }

  /** Runs a program to its end. One that serves is sent a callback of the app, and has to print it. */
  async program(block: Block, place: string): Promise<void> {
    const port = await freePort();
    const text = (await this.#filled(block)).replaceAll('8080', String(port));
    const isPython = block.language === 'python';
    const file = path.join(this.#dir, 'here', isPython ? 'sample.py' : `sample.m${block.language}`);
    await writeFile(file, text);
    const child = this.#spawn(isPython ? 'python3' : process.execPath, [file]);
    if (!SERVES.test(block.text)) {
      assert.equal(await child.ended, 0, `${place}:\n${text}\n${child.output()}`);
      assert.notEqual(child.stdout(), '', place);
      return;
    }
    const accepts = (): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
        socket.on('connect', () => socket.destroy());
      });
    await until(`${place} listens`, async () => {
      assert.equal(child.process.exitCode, null, `${place} ended: ${child.output()}`);
      return accepts();
    });
    const { api } = this.#daemon;
    await api.patch('/apps/live', { callbackUrl: `http://127.0.0.1:${port}/`, callbackSecret: CALLBACK_SECRET });
    const sent = await api.post('/apps/live/callbacks/test');
    assert.ok(sent.status < 300, `${place}: ${sent.text}`);
    await until(
      `${place} prints the callback`,
      () => /^test\b/m.test(child.stdout()) || child.process.exitCode !== null,
    );
    assert.equal(child.process.exitCode, null, `${place} ended: ${child.output()}`);
    // one that nobody signed is not printed
    const forged = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{"event":"forged"}' });
    assert.deepEqual([forged.ok, /forged/.test(child.stdout())], [false, false], place);
    await api.patch('/apps/live', { callbackUrl: null });
    await child.end();
  }

  #spawn(command: string, args: string[]) {
    const child: ChildProcess = spawn(command, args, {
      cwd: path.join(this.#dir, 'here'),
      env: this.#environment(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const kept = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name]?.on('data', (chunk) => {
        kept[name] += chunk;
      });
    const ended = once(child, 'close').then(([code]) => code as number | null);
    const running = {
      process: child,
      ended,
      stdout: () => kept.stdout,
      output: () => kept.stdout + kept.stderr,
      end: async (): Promise<void> => {
        if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid as number), 'SIGTERM');
        await ended;
      },
    };
    this.#running = running;
    return running;
  }

  #environment(): Record<string, string> {
    const { url, token, dataDir } = this.#daemon;
    const bin = [path.join(this.#dir, 'bin'), path.dirname(process.execPath), process.env['PATH'] ?? ''].join(':');
    return {
      PATH: bin,
      HOME: this.#dir,
      DATA_DIR: dataDir,
      GPU_DISABLE: 'true',
      BASE: `${url}/api/v1`,
      URL: url,
      STREAMHUB_URL: url,
      TOKEN: token,
      STREAMHUB_TOKEN: token,
      CALLBACK_SECRET,
    };
  }

  /** Names and secrets that stand for the reader's own. */
  async #filled({ text }: Block): Promise<string> {
    const { url, token } = this.#daemon;
    const filled = text
      .replace(/^\$ /gm, '')
      .replaceAll('http://127.0.0.1:3020', url)
      .replaceAll(/https:\/\/(?:hub|streams)\.example\.com/g, url)
      .replaceAll('sk_…', token);
    if (this.#s3 === undefined) return filled;
    const bucket = await this.#s3.bucket();
    return filled
      .replaceAll('http://127.0.0.1:9000', this.#s3.endpoint)
      .replaceAll('https://s3.eu-central-003.backblazeb2.com', this.#s3.endpoint)
      .replaceAll('"region":"eu-central-003"', `"region":"${this.#s3.region}","forcePathStyle":true`)
      .replaceAll('"bucket":"media"', `"bucket":"${bucket}"`)
      .replaceAll('"key":"…"', `"key":"${this.#s3.key}"`)
      .replaceAll('"secret":"…"', `"secret":"${this.#s3.secret}"`);
  }
}
