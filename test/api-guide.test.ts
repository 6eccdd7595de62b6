import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT, sharedDaemon } from '#test/helpers/daemon.ts';
import { assertShown } from '#test/helpers/shown.ts';

const run = promisify(execFile);
const ADMIN = { ADMIN_USER: 'root@example.com', ADMIN_PASS: 'a-long-enough-password' };

interface Example {
  line: number;
  command: string;
  /** What docs/api.md prints below the command, if it is JSON. */
  answer: unknown;
}

/** Every `sh` block of the guide, with the `json` block that follows it directly. */
function examplesOf(markdown: string): Example[] {
  const blocks = [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map((match) => ({
    line: markdown.slice(0, match.index).split('\n').length,
    language: match[1],
    text: match[2] as string,
    end: match.index + match[0].length,
    start: match.index,
  }));
  return blocks.flatMap((block, index) => {
    if (block.language !== 'sh') return [];
    const next = blocks[index + 1];
    const follows = next?.language === 'json' && markdown.slice(block.end, next.start).trim() === '';
    return [{ line: block.line, command: block.text, answer: follows ? JSON.parse(next.text) : undefined }];
  });
}

describe('the commands of the API guide', () => {
  const daemon = sharedDaemon(ADMIN);
  const examples = examplesOf(readFileSync(path.join(ROOT, 'docs/api.md'), 'utf8'));

  test('there are some', () => assert.ok(examples.length >= 10));

  for (const { line, command, answer } of examples) {
    test(`line ${line}: ${command.split('\n', 1)[0]?.slice(0, 70)}`, async () => {
      const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', command], {
        env: {
          PATH: process.env['PATH'] ?? '',
          BASE: `${daemon.url}/api/v1`,
          STREAMHUB_TOKEN: daemon.token,
          ...ADMIN,
        },
      });
      if (answer === undefined) assert.match(stdout, /\S/);
      else assertShown(answer, JSON.parse(stdout), 'answer');
    });
  }
});
