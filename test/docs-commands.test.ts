// Every command of the documents is run as it is written, against a daemon, or says in its first line what it needs that isn't here.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { type Block, blocksOf } from '#build/site/markdown.ts';
import { documents } from '#build/textlint/linter.ts';
import { SETTINGS } from '#daemon/platform/settings-table.ts';
import { propertiesOf } from '#shared/config/annotations.ts';
import { ConfigFile } from '#shared/config/schema.ts';
import { BIN, ROOT, type TestDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { type LivekitServer, startLivekit } from '#test/helpers/livekit.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';
import { assertShown } from '#test/helpers/shown.ts';

/** What a block may need that a test doesn't have, and how such a block is recognised. */
const NEEDS: Record<string, RegExp> = {
  '# Needs root.': /\bsudo\b/,
  '# Needs Docker.': /\bdocker\b/,
  '# Needs another host.': /\bssh\b|example\.com|<\w+>|\bFILE\b/,
  '# Needs the built package.': /npm run package|streamhub-[\w.*-]+\.tgz|streamhub_\*\.deb/,
  '# Takes minutes.': /\bnpm (?:test|run (?:check|bench|package))\b/,
};
/** Documents whose commands another test runs, with what follows from them. */
const RUN_BY: Record<string, string> = {
  'docs/api.md': 'test/api-guide.test.ts',
  'docs/plugins.md': 'test/plugins/guide.test.ts',
};
const SHELL = new Set(['sh', 'bash', 'shell', 'console']);
const COMMAND = /^\s*(?:\$ )?(?:[A-Z_]+=\S* )*(?:curl|streamhub|npm|npx|node|sudo|docker|git|wget|apt)\b/m;
/** What doesn't end by itself: it has to print something, and is then ended. */
const FOLLOWS = /^(?:npm start|streamhub|streamhub start)$|^curl -N |^streamhub (?:logs|events)\b.* (?:-f|--follow)\b/m;

const files = documents().map((file) => path.relative(ROOT, file).split(path.sep).join('/'));
const pages = files.map((file) => ({ file, blocks: blocksOf(readFileSync(path.join(ROOT, file), 'utf8')) }));
const needOf = ({ text }: Block): string | undefined => Object.keys(NEEDS).find((need) => text.startsWith(`${need}\n`));

test('each block with a command is marked as one, and what it needs is true', () => {
  const wrong = pages.flatMap(({ file, blocks }) =>
    blocks.flatMap((block) => {
      const place = `${file}:${block.line}`;
      const need = needOf(block);
      if (need !== undefined && !NEEDS[need]?.test(block.text)) return [`${place}: nothing in it needs that: ${need}`];
      // made from the commands: how each is written, and its help
      const isSynopsis = file === 'docs/cli.md' && block.language === 'text';
      const isMarked = SHELL.has(block.language) || RUN_BY[file] !== undefined || isSynopsis;
      return isMarked || !COMMAND.test(block.text) ? [] : [`${place}: mark it as sh, so that it is run`];
    }),
  );
  for (const [file, other] of Object.entries(RUN_BY))
    if (!existsSync(path.join(ROOT, other)) || !readFileSync(path.join(ROOT, other), 'utf8').includes(file))
      wrong.push(`${other} doesn't run the commands of ${file}`);
  // an indented block has no language
  for (const file of files)
    for (const [line] of readFileSync(path.join(ROOT, file), 'utf8').matchAll(
      /^\n {4}(?:curl|streamhub|npm|sudo) .*/gm,
    ))
      wrong.push(`${file}: put a fence around ${line.trim()}`);
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
  let s3: Promise<S3Server | string> | undefined;
  after(async () => {
    const server = await s3;
    if (typeof server === 'object') await server.stop();
  });

  for (const { file, blocks } of pages) {
    const runnable = blocks.filter((block) => SHELL.has(block.language) && needOf(block) === undefined);
    if (RUN_BY[file] !== undefined || runnable.length === 0) continue;
    test(file, async (t) => {
      const text = runnable.map((block) => block.text).join('');
      const server = text.includes(':9000') ? await (s3 ??= startS3Server()) : undefined;
      if (typeof server === 'string') return t.skip(server);
      const livekit = text.includes('/ingress ') ? await startLivekit(t) : undefined;
      if (typeof livekit === 'string') return t.skip(livekit);
      const session = await Session.open(t, server, livekit);
      for (const block of runnable) await session.run(block, answerOf(blocks, block), `${file}:${block.line}`);
    });
  }
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

  private constructor(dir: string, daemon: TestDaemon, s3: S3Server | undefined) {
    this.#dir = dir;
    this.#daemon = daemon;
    this.#s3 = s3;
  }

  static async open(
    t: { after(step: () => unknown): void },
    s3: S3Server | undefined,
    livekit: LivekitServer | undefined,
  ): Promise<Session> {
    const dir = await temporaryDir(t);
    const daemon = await testDaemon(t, {
      LIVEKIT_URL: 'http://127.0.0.1:9',
      PUBLIC_WS_URL: 'wss://media.example.com',
      LIVEKIT_API_KEY: 'key',
      LIVEKIT_API_SECRET: 's'.repeat(32),
      STREAMHUB_CLUSTER_TOKEN: 'c'.repeat(32),
      STREAMHUB_CLUSTER_REDIS_URL: 'redis://127.0.0.1:9',
      ...livekit?.env,
    });
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
    await writeFile(path.join(dir, 'variables'), `cd '${dir}/here'\n`);
    return new Session(dir, daemon, s3);
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
    const child = spawn('bash', ['-c', script], {
      env: this.#environment(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    const spoke = new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk) => {
        stdout += chunk;
        resolve();
      });
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const ended = once(child, 'close') as Promise<[number | null]>;
    if (FOLLOWS.test(block.text)) {
      await Promise.race([spoke, ended]);
      assert.equal(child.exitCode, null, `${place} ended: ${stdout}${stderr}`);
      process.kill(-(child.pid as number), 'SIGTERM');
      await ended;
      return;
    }
    const [code] = await ended;
    assert.equal(code, 0, `${place}:\n${text}\n${stdout}${stderr}`);
    if (answer !== undefined) assertShown(answer, JSON.parse(stdout), place);
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
    };
  }

  /** Names and secrets that stand for the reader's own. */
  async #filled({ text }: Block): Promise<string> {
    const { url, token } = this.#daemon;
    const filled = text
      .replace(/^\$ /gm, '')
      .replaceAll('http://127.0.0.1:3020', url)
      .replaceAll('https://hub.example.com', url)
      .replaceAll('sk_…', token);
    if (this.#s3 === undefined || !filled.includes(':9000')) return filled;
    const bucket = await this.#s3.bucket();
    return filled
      .replaceAll('http://127.0.0.1:9000', this.#s3.endpoint)
      .replaceAll('"bucket":"media"', `"bucket":"${bucket}"`)
      .replaceAll('"key":"…"', `"key":"${this.#s3.key}"`)
      .replaceAll('"secret":"…"', `"secret":"${this.#s3.secret}"`);
  }
}
