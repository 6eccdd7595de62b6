import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergedText, threeWay } from './three-way.ts';

const lines = (...all: string[]): string => all.join('\n');
const kinds = (...texts: [string, string, string]): string[] => threeWay(...texts).map(({ kind }) => kind);

test('changes of different places come together by themselves', () => {
  const base = lines('a: 1', 'b: 2', 'c: 3', 'd: 4', '');
  const mine = lines('a: 10', 'b: 2', 'c: 3', 'd: 4', '');
  const theirs = lines('a: 1', 'b: 2', 'c: 3', 'd: 40', 'e: 5', '');
  assert.deepEqual(kinds(base, mine, theirs), ['mine', 'same', 'theirs', 'same']);
  assert.equal(mergedText(threeWay(base, mine, theirs), []), lines('a: 10', 'b: 2', 'c: 3', 'd: 40', 'e: 5', ''));
});

test('the same change on both sides is no conflict', () => {
  const base = lines('a: 1', 'b: 2');
  const both = lines('a: 1', 'b: 3');
  assert.deepEqual(kinds(base, both, both), ['same', 'mine']);
  assert.equal(mergedText(threeWay(base, both, both), []), both);
});

test('different changes of one place are a conflict, decided by the choice', () => {
  const base = lines('a: 1', 'b: 2', 'c: 3');
  const stretches = threeWay(base, lines('a: 1', 'b: 20', 'c: 3'), lines('a: 1', 'b: 200', 'c: 3'));
  assert.deepEqual(
    stretches.map(({ kind }) => kind),
    ['same', 'conflict', 'same'],
  );
  assert.equal(mergedText(stretches, []), lines('a: 1', 'b: 20', 'c: 3'));
  assert.equal(mergedText(stretches, ['theirs']), lines('a: 1', 'b: 200', 'c: 3'));
  assert.equal(mergedText(stretches, ['both']), lines('a: 1', 'b: 200', 'b: 20', 'c: 3'));
});

test('two insertions at one place are a conflict', () => {
  const stretches = threeWay(lines('a', 'b'), lines('a', 'x', 'b'), lines('a', 'y', 'b'));
  assert.equal(stretches.filter(({ kind }) => kind === 'conflict').length, 1);
  assert.equal(mergedText(stretches, ['both']), lines('a', 'y', 'x', 'b'));
});

test('whatever the three texts are, one side unchanged gives the other', () => {
  const texts = ['', 'a', lines('a', 'b', 'c', ''), lines('c', 'b', 'a'), lines('a', 'a', 'a', 'b')];
  for (const base of texts) {
    for (const other of texts) {
      assert.equal(mergedText(threeWay(base, other, base), []), other);
      assert.equal(mergedText(threeWay(base, base, other), []), other);
      assert.equal(mergedText(threeWay(base, other, other), []), other);
    }
  }
});
