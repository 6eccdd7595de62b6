import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ListedPage, ListingLimit, limitedPages } from './listing-limit.ts';

/** How many pages of such a listing are taken. */
function taken(page: (n: number) => ListedPage, most = 1_000_000): number {
  const limit = new ListingLimit();
  for (let n = 0; n < most; n += 1) {
    try {
      limit.add(page(n));
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'LISTING_ENDLESS');
      return n;
    }
  }
  return most;
}

test('a listing that repeats itself ends, with any number of pages before and in between', () => {
  const full = { count: 1000 };
  assert.ok(taken(() => ({ ...full, next: 'same' })) <= 2);
  assert.ok(taken((n) => ({ ...full, next: `token-${n}`, first: 'same' })) <= 2);
  for (const [lead, cycle] of [
    [0, 2],
    [5, 3],
    [100, 17],
  ] as const) {
    const round = (n: number) => (n < lead ? n : lead + ((n - lead) % cycle));
    assert.ok(taken((n) => ({ ...full, next: `token-${round(n)}` })) <= 4 * (lead + cycle));
    assert.ok(taken((n) => ({ ...full, next: `new-${n}`, first: `key-${round(n)}` })) <= 4 * (lead + cycle));
  }
});

test('a listing that always names new pages ends', () => {
  const next = (n: number) => ({ next: `token-${n}`, first: `key-${n}` });
  assert.ok(taken((n) => ({ ...next(n), count: 0 })) <= 1000);
  assert.ok(taken((n) => ({ ...next(n), count: 1 })) <= 1100);
  assert.ok(taken((n) => ({ ...next(n), count: 1000 })) <= 20_001);
});

test('long listings of real storages pass: short pages, pages without keys, any order', () => {
  assert.equal(
    taken((n) => ({ next: `t-${n}`, first: `k-${n}`, count: 1000 }), 10_000),
    10_000,
  );
  assert.equal(
    taken((n) => ({ next: `t-${n}`, first: `k-${10_000 - n}`, count: 100 }), 10_000),
    10_000,
  );
  assert.equal(
    taken((n) => ({ next: `t-${n}`, count: n % 2 === 0 ? 0 : 1000 }), 10_000),
    10_000,
  );
  assert.equal(
    taken((n) => ({ next: `t-${n}`, count: 0 }), 900),
    900,
  );
});

test('keys outside of what was asked for don’t keep a listing going', async () => {
  let pages = 0;
  let isClosed = false;
  async function* ofPlugin() {
    try {
      for (;;) yield { objects: Array.from({ length: 10 }, (_, n) => ({ key: `other/${pages}-${n}`, size: 1 })) };
    } finally {
      isClosed = true;
    }
  }
  await assert.rejects(
    async () => {
      for await (const _page of limitedPages(ofPlugin(), 'mine/')) pages += 1;
    },
    { code: 'LISTING_ENDLESS' },
  );
  assert.deepEqual([pages, isClosed], [1000, true]);
});
