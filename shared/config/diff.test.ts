import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { diffParts, diffTexts } from './diff.ts';

const diff = (before: string, after: string): string => diffTexts({ text: before }, { text: after });
/** The two texts that a merged view was made of. */
const sides = (view: string): [string, string] => {
  const lines = view.split('\n');
  const side = (mark: string) =>
    lines
      .filter((line) => line[0] === ' ' || line[0] === mark)
      .map((line) => line.slice(2))
      .join('\n');
  return [side('-'), side('+')];
};

describe('diffTexts', () => {
  const cases: [name: string, before: string, after: string, view: string][] = [
    ['nothing', 'a\nb\n', 'a\nb\n', ''],
    ['a changed line: removal first', 'a\nb\nc\n', 'a\nx\nc\n', '  a\n- b\n+ x\n  c\n  '],
    ['from nothing', '', 'a\n', '+ a\n  '],
    ['a final newline', 'a', 'a\n', '  a\n+ '],
    ['several at one place', 'a\nb\nc\nd', 'a\nx\ny\nd', '  a\n- b\n- c\n+ x\n+ y\n  d'],
    ['line ends', 'a\r\nb\n', 'a\nb\n', '- a\r\n+ a\n  b\n  '],
  ];
  for (const [name, before, after, view] of cases) it(name, () => assert.equal(diff(before, after), view));

  it('shows masked lines in place of secret ones, also where only the secret differs', () => {
    const view = diffTexts(
      { text: 'a\nsecret: one', shown: ['a', 'secret: ****'] },
      { text: 'a\nsecret: two', shown: ['a', 'secret: ****'] },
    );
    assert.equal(view, '  a\n- secret: ****\n+ secret: ****');
  });

  const lines = (count: number, line: (i: number) => string) => Array.from({ length: count }, (_, i) => line(i));
  const hard: [name: string, before: string[], after: string[]][] = [
    [
      'two letters at random',
      lines(50_000, (i) => 'ab'[((i * 7919) % 13) & 1] as string),
      lines(50_000, (i) => 'ab'[((i * 104_729) % 11) & 1] as string),
    ],
    ['reversed', lines(15_000, (i) => `k${i}`), lines(15_000, (i) => `k${14_999 - i}`)],
    [
      'every second line new',
      lines(9000, (i) => `k${i}`),
      lines(9000, (i) => `k${i}`).flatMap((line, i) => (i % 2 ? [line] : [`new ${i}`, line])),
    ],
    ['nothing in common', lines(15_000, (i) => `k${i}`), lines(15_000, (i) => `j${i}`)],
    ['blank lines', lines(99_000, () => ''), lines(50_000, () => 'x')],
  ];
  for (const [name, before, after] of hard) {
    it(`stands for both texts: ${name}`, () => {
      const [a, b] = [before.join('\n'), after.join('\n')];
      assert.deepEqual(sides(diff(a, b)), [a, b]);
    });
  }

  it('finds the kept lines of texts that differ in more places than are compared one by one', () => {
    const before = lines(4000, (i) => `key${i}: ${i}`);
    const after = before.map((line, i) => (i % 3 === 0 ? `${line} changed` : line));
    const kept = diffParts(before, after)
      .filter((part) => part.kind === 'kept')
      .reduce((sum, part) => sum + part.count, 0);
    assert.equal(kept, before.filter((_, i) => i % 3 !== 0).length);
  });
});
