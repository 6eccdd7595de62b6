import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Client, testDaemon } from '#test/helpers/daemon.ts';

const nested = (open: string, close: string, count: number) => `x-a: ${open.repeat(count)}${close.repeat(count)}`;
const BOMB = [
  'x-a: &a [1,1,1,1,1,1,1,1,1,1]',
  ...'bcdefghi'.split('').map((name, i) => `x-${name}: &${name} [${Array(10).fill(`*${'abcdefgh'[i]}`).join(',')}]`),
].join('\n');
const HOSTILE: [name: string, yaml: string][] = [
  ['alias bomb', BOMB],
  ['deep lists', nested('[', ']', 45_000)],
  ['deep mappings', nested('{a: ', '}', 18_000)],
  ['deep dashes', `x-a:\n  ${'- '.repeat(45_000)}`],
  ['commas', `{${','.repeat(99_000)}}`],
  ['colons', ': '.repeat(49_000)],
  ['many keys', Array.from({ length: 13_000 }, (_, i) => `k${i}:`).join('\n')],
  ['anchors', `a: ${'&a '.repeat(30_000)}`],
  ['many aliases', `x-a: &a [x]\n${Array.from({ length: 4000 }, (_, i) => `x-${i}: *a`).join('\n')}`],
  ['documents', '---\n'.repeat(24_000)],
];

/** Keeps asking for /health until told to stop; the longest that an answer took. */
function askHealth(api: Client): () => Promise<number> {
  let isOver = false;
  const longest = (async () => {
    let max = 0;
    while (!isOver) {
      const start = performance.now();
      const { status } = await api.get('/health');
      assert.equal(status, 200);
      max = Math.max(max, performance.now() - start);
    }
    return max;
  })();
  return () => {
    isOver = true;
    return longest;
  };
}

describe('hostile texts', () => {
  test('cost their sender a clear 400, and the health route goes on answering meanwhile', async (t) => {
    const daemon = await testDaemon(t);
    const stop = askHealth(daemon.api);
    for (const [name, yaml] of HOSTILE) {
      const answers = await Promise.all([
        daemon.api.put('/apps/live/config/raw', { yaml }),
        daemon.api.put('/apps/live/config/raw', { yaml }),
        daemon.api.post('/apps/live/config/raw/validate', { yaml }),
      ]);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [400, 400, 200],
        name,
      );
      assert.equal(answers[0]?.body.code, 'CONFIG_INVALID', name);
      assert.match(answers[0]?.body.message, /line \d+, column \d+/, name);
      assert.equal(answers[2]?.body.data.valid, false, name);
    }
    await stop();
    assert.equal((await daemon.api.get('/apps/live/config/raw')).body.data.problem, null);
  });

  test('run outside the event loop: it turns while they are checked', async (t) => {
    const daemon = await testDaemon(t);
    await daemon.api.post('/apps/live/config/raw/validate', { yaml: 'name: live\n' });
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const before = Array.from({ length: 13_000 }, (_, i) => `k${i}: ${i % 7}`)
      .join('\n')
      .slice(0, 99_000);
    await daemon.api.post('/apps/live/config/raw/validate', { yaml: before });
    isOver = true;
    assert.ok(turns > 50, `the event loop turned ${turns} times`);
  });
});
