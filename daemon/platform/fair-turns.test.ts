import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FairTurns } from './fair-turns.ts';

/** Work that ends when it is told to. */
function workshop() {
  const turns = new FairTurns();
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const begin = (key: string, name: string, bounds: Record<string, number>, signal?: AbortSignal) =>
    turns.run(
      key,
      bounds,
      () => {
        started.push(name);
        const { promise, resolve } = Promise.withResolvers<void>();
        ends.set(name, resolve);
        return promise;
      },
      signal,
    );
  const end = async (name: string) => {
    ends.get(name)?.();
    await nextTurn();
  };
  return { turns, started, begin, end };
}

test('who waits takes turns: a long queue of one delays no other', async () => {
  const { started, begin, end } = workshop();
  for (const n of [1, 2, 3, 4]) void begin('a', `a${n}`, { all: 1 });
  void begin('b', 'b1', { all: 1 });
  void begin('c', 'c1', { all: 1 });
  void begin('b', 'b2', { all: 1 });
  for (let done = 0; done < 7; done += 1) await end(started[done] as string);
  assert.deepEqual(started, ['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
});

test('a bound of one caller leaves the rest to others, and free room is used', async () => {
  const { turns, started, begin, end } = workshop();
  for (const n of [1, 2, 3]) void begin('a', `a${n}`, { all: 3, 'of a': 2 });
  assert.deepEqual(started, ['a1', 'a2'], 'a third one is refused room that others may need');
  void begin('b', 'b1', { all: 3, 'of b': 2 });
  assert.deepEqual(started, ['a1', 'a2', 'b1']);
  assert.equal(turns.waiting('of a'), 1);
  await end('a2');
  assert.deepEqual(started, ['a1', 'a2', 'b1', 'a3']);
});

test('what is called off while it waits never starts', async () => {
  const { turns, started, begin, end } = workshop();
  const abort = new AbortController();
  void begin('a', 'a1', { all: 1 });
  const waiting = begin('a', 'a2', { all: 1 }, abort.signal);
  abort.abort(new Error('stopped'));
  await assert.rejects(waiting, /stopped/);
  await end('a1');
  assert.deepEqual([started, turns.waiting('all')], [['a1'], 0]);
});
