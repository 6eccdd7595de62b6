import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RandomYaml } from '#test/helpers/random-yaml.ts';
import { rewriteConfig } from './edit.ts';
import { applyEdits, type Edit, mergePatch, pinTranscoding, remove, set } from './edits.ts';
import { parseConfig } from './parse.ts';
import { sameValue } from './values.ts';

/** The text after the edits, checked to stand for the edited data. */
function edited(text: string, ...edits: Edit[]): string {
  const parsed = parseConfig(text);
  assert.ok(parsed.value, `test text is broken: ${JSON.stringify(parsed.errors)}`);
  const target = applyEdits(parsed.value, edits);
  const result = rewriteConfig(parsed, target);
  assert.deepEqual(result.value, target);
  return result.text;
}

describe('setting a value', () => {
  const cases: [name: string, before: string, edits: Edit[], after: string][] = [
    ['plain', 'a: 1 # one\nb: 2\n', [set('a', 5)], 'a: 5 # one\nb: 2\n'],
    ['at the end without a newline', 'a: 1\nb: 2', [set('b', 3)], 'a: 1\nb: 3'],
    ['keeps single quotes', "a: 'x' # c\n", [set('a', 'y')], "a: 'y' # c\n"],
    ['keeps double quotes', 'a: "x"\n', [set('a', 'y"z')], 'a: "y\\"z"\n'],
    ['drops quotes for a number', 'a: "x"\n', [set('a', 7)], 'a: 7\n'],
    [
      'quotes what would be read otherwise',
      'a: x\nb: x\nc: x\nd: x\n',
      [set('a', 'no'), set('b', '# c'), set('c', '12'), set('d', 'k: v')],
      'a: "no"\nb: "# c"\nc: "12"\nd: "k: v"\n',
    ],
    ['a text with a line break', 'a: x\nb: 1\n', [set('a', 'one\ntwo')], 'a: "one\\ntwo"\nb: 1\n'],
    [
      'CRLF',
      'a: 1\r\nb: # none\r\nc: 3\r\n',
      [set('b', 2), set('d', { e: 1 })],
      'a: 1\r\nb: 2 # none\r\nc: 3\r\nd:\r\n  e: 1\r\n',
    ],
    ['an empty value before a comment', 'a:   # none\nb: 1\n', [set('a', 'x')], 'a: x # none\nb: 1\n'],
    [
      'comments in one column stay in one column',
      'a: no    # one\nbb: text # two\nc: 1     # three\nd: 1 # alone\n',
      [set('bb', 'longer text'), set('d', 1000), remove('c')],
      'a: no           # one\nbb: longer text # two\nd: 1000 # alone\n',
    ],
    ['a shorter value', 'a: true  # one\nb: false # two\n', [set('b', true)], 'a: true  # one\nb: true  # two\n'],
    ['an empty value at the very end', 'a:', [set('a', true)], 'a: true'],
    ['a block text', 'a: |\n  one\n  two\nb: 1\n', [set('a', 'x')], 'a: x\nb: 1\n'],
    ['a value on the next line', 'a:\n  value\nb: 1\n', [set('a', 'other')], 'a:\n  other\nb: 1\n'],
    ['a value with a tag', 'a: !!str 5 # c\n', [set('a', 6)], 'a: 6 # c\n'],
    ['a quoted key', '"a": 1\n', [set('a', 2)], '"a": 2\n'],
    ['an explicit key', '? a\n: 1\nb: 2\n', [set('a', 3)], '? a\n: 3\nb: 2\n'],
    [
      'deep inside',
      'r:\n    # first\n    e: true   # yes\n    m: x\n',
      [set('r.e', false)],
      'r:\n    # first\n    e: false  # yes\n    m: x\n',
    ],
    [
      'after a directive and a document start',
      '%YAML 1.2\n--- # doc\na: 1\n...\n',
      [set('a', 2), set('b', 1)],
      '%YAML 1.2\n--- # doc\na: 2\nb: 1\n...\n',
    ],
    ['behind a byte order mark', '\ufeffa: 1\n', [set('a', 2)], '\ufeffa: 2\n'],
    ['a key written with a tab', 'a:\t1\t# t\nb: 2\n', [set('a', 9)], 'a:\t9\t# t\nb: 2\n'],
  ];
  for (const [name, before, edits, after] of cases) it(name, () => assert.equal(edited(before, ...edits), after));
});

describe('adding a key', () => {
  const cases: [name: string, before: string, edits: Edit[], after: string][] = [
    [
      'to the end of its block, before the next',
      'r:\n  a: 1 # c\n\ns:\n  b: 2\n',
      [set('r.x', 5)],
      'r:\n  a: 1 # c\n  x: 5\n\ns:\n  b: 2\n',
    ],
    [
      'with the indentation that is there',
      'r:\n    a: 1\n',
      [set('r.x', 1), set('s.m', 2)],
      'r:\n    a: 1\n    x: 1\ns:\n    m: 2\n',
    ],
    [
      'a missing block, nested',
      'a: 1\n',
      [set('d.cdn.url', 'u'), set('d.mode', 'cdn')],
      'a: 1\nd:\n  cdn:\n    url: u\n  mode: cdn\n',
    ],
    ['below a key without a value', 'h:\nb: 1\n', [set('h.s', 4)], 'h:\n  s: 4\nb: 1\n'],
    [
      'below a key without a value, with a comment',
      'h: # later\nb: 1\n',
      [set('h.s', 4)],
      'h: # later\n  s: 4\nb: 1\n',
    ],
    ['in place of an empty mapping', 'h: {} # c\nb: 1\n', [set('h.s', 4)], 'h: { s: 4 } # c\nb: 1\n'],
    ['in place of null', 'h: ~\nb: 1\n', [set('h.s', 4)], 'h:\n  s: 4\nb: 1\n'],
    ['in place of a wrong scalar', 'r: no # hm\nb: 1\n', [set('r.t', true)], 'r: # hm\n  t: true\nb: 1\n'],
    [
      'to a block whose last value is a text block',
      'r:\n  a: |\n    x\nb: 1\n',
      [set('r.c', 1)],
      'r:\n  a: |\n    x\n  c: 1\nb: 1\n',
    ],
    [
      'after comments that stand deeper',
      'r:\n  a:\n    b: 1\n    # deep\ns: 1\n',
      [set('r.c', 2)],
      'r:\n  a:\n    b: 1\n    # deep\n  c: 2\ns: 1\n',
    ],
    ['inside and outside at the same place', 'r:\n  a: 1', [set('r.b', 2), set('s', 3)], 'r:\n  a: 1\n  b: 2\ns: 3'],
    [
      'to a flow mapping',
      'r: { a: 1, b: [1,2] } # c\n',
      [set('r.c', 'x, y')],
      'r: { a: 1, b: [1,2], c: "x, y" } # c\n',
    ],
    ['to a flow mapping with a last comma', 'r: {a: 1,}\n', [set('r.c', 2)], 'r: {a: 1, c: 2}\n'],
    [
      'to JSON',
      '{"a": 1, "b": {"c": 2}}',
      [set('b.d', 'x'), set('e', true)],
      '{"a": 1, "b": {"c": 2, "d": x}, "e": true}',
    ],
    [
      'to a flow mapping with one entry a line',
      'r: {\n  a: 1, # one\n  b: 2 # two\n}\n',
      [set('r.c', 3)],
      'r: {\n  a: 1, # one\n  b: 2, # two\n  c: 3\n}\n',
    ],
    [
      'to a flow mapping with lines and a last comma',
      'r: {\n  a: 1,\n}\n',
      [set('r.c', 3)],
      'r: {\n  a: 1,\n  c: 3,\n}\n',
    ],
    ['to an empty document mapping', '{}\n', [set('a', 1)], '{ a: 1 }\n'],
    [
      'to a mapping inside a list',
      'l:\n  - n: 1\n  - n: 2 # c\nz: 1\n',
      [set('l', [{ n: 1, h: 3 }, { n: 2 }])],
      'l:\n  - n: 1\n    h: 3\n  - n: 2 # c\nz: 1\n',
    ],
  ];
  for (const [name, before, edits, after] of cases) it(name, () => assert.equal(edited(before, ...edits), after));
});

describe('removing a key', () => {
  const cases: [name: string, before: string, edits: Edit[], after: string][] = [
    ['with its line', 'c:\n  url: u\n  secret: s # oh\n  z: 1\n', [remove('c.secret')], 'c:\n  url: u\n  z: 1\n'],
    ['the last line without a newline', 'a: 1\nb: 2', [remove('b')], 'a: 1\n'],
    ['with all its lines', 'a: 1\nb:\n  - 1\n  - 2\nc: 3\n', [remove('b')], 'a: 1\nc: 3\n'],
    ['the only one of a block', 'c:\n  secret: s\nd: 1\n', [remove('c.secret')], 'c: {}\nd: 1\n'],
    ['the first of a flow mapping', 'c: {secret: s, url: u}\n', [remove('c.secret')], 'c: {url: u}\n'],
    ['the last of a flow mapping', 'c: {url: u, secret: s}\n', [remove('c.secret')], 'c: {url: u}\n'],
    [
      'several of a flow mapping',
      'c: {a: 1, b: 2, c: 3, d: 4}\n',
      [remove('c.a'), remove('c.b'), remove('c.d')],
      'c: {c: 3}\n',
    ],
    ['and adding another', 'c:\n  a: 1\n  s: x\n', [remove('c.s'), set('c.e', 'NAME')], 'c:\n  a: 1\n  e: NAME\n'],
    ['the first key of a list entry', 'l:\n  - a: 1\n    b: 2\n', [set('l', [{ b: 2 }])], 'l:\n  - b: 2\n'],
    ['what is not there', 'a: 1\n', [remove('b.c')], 'a: 1\n'],
  ];
  for (const [name, before, edits, after] of cases) it(name, () => assert.equal(edited(before, ...edits), after));
});

describe('lists', () => {
  const layers =
    'w:\n  layers: # ladder\n    # top\n    - name: high # h\n      height: 720\n    - {name: low, height: 240} # l\n  x: 1\n';
  it('changes entries in place', () => {
    const next = [
      { name: 'high', height: 1080 },
      { name: 'low', height: 360 },
    ];
    assert.equal(edited(layers, set('w.layers', next)), layers.replace('720', '1080').replace('240', '360'));
  });
  it('adds entries at the end', () => {
    const next = [
      { name: 'high', height: 720 },
      { name: 'low', height: 240 },
      { name: 'xs', height: 144 },
    ];
    assert.equal(
      edited(layers, set('w.layers', next)),
      layers.replace('# l\n', '# l\n    - name: xs\n      height: 144\n'),
    );
  });
  it('takes entries away from the end', () => {
    const next = [{ name: 'high', height: 720 }];
    assert.equal(edited(layers, set('w.layers', next)), layers.replace('    - {name: low, height: 240} # l\n', ''));
  });
  it('empties a list, keeping the comment of its line', () => {
    assert.equal(edited(layers, set('w.layers', [])), 'w:\n  layers: [] # ladder\n  x: 1\n');
  });
  it('empties a list that stands at its key’s own column', () => {
    assert.equal(edited('l:\n- 1\n- 2\nm: 1\n', set('l', [])), 'l: []\nm: 1\n');
  });
  it('fills an empty list with lines of its own', () => {
    assert.equal(edited('a:\n- 1\nl: [] # c\n', set('l', [{ m: 1, h: 2 }])), 'a:\n- 1\nl: # c\n- m: 1\n  h: 2\n');
  });
  it('keeps a flow list on its line', () => {
    assert.equal(edited('e: [all] # c\n', set('e', ['a', 'b, c'])), 'e: [a, "b, c"] # c\n');
  });
  it('replaces a list by another value', () => {
    assert.equal(edited('l:\n  - 1\nm: 1\n', set('l', 'x')), 'l: x\nm: 1\n');
    assert.equal(edited('l:\n- 1\nm: 1\n', set('l', { a: 1 })), 'l: {a: 1}\nm: 1\n');
  });
});

describe('anchors and aliases', () => {
  it('changes an anchored value and nothing that shares it', () => {
    assert.equal(
      edited('a: &x\n  up: true # c\nb: *x\n', set('a.up', false)),
      'a: &x\n  up: false # c\nb: {up: true}\n',
    );
  });
  it('changes an alias and not its source', () => {
    assert.equal(
      edited('a: &x {up: true}\nb: *x # c\n', set('b.up', false)),
      'a: &x {up: true}\nb: # c\n  up: false\n',
    );
  });
  it('keeps an alias whose source is replaced', () => {
    assert.equal(edited('a: &x [1, 2]\nb: *x\nc: 1\n', set('a', 'none')), 'a: none\nb: [1, 2]\nc: 1\n');
  });
  it('leaves unrelated anchors alone', () => {
    assert.equal(edited('a: &x {k: v}\nb: *x\nc: 1\n', set('c', 2)), 'a: &x {k: v}\nb: *x\nc: 2\n');
  });
  it('keeps an anchor without a value', () => {
    assert.equal(edited('a: &x\nb: 1\n', set('a', 3)), 'a: 3\nb: 1\n');
  });
});

describe('mergePatch', () => {
  const patch = {
    name: 'evil',
    s3: { bucket: 'x' },
    callbacks: { url: 'x' },
    transcoding: { enabled: true, vod_renditions: [{ height: 720, bitrate_kbps: 2800 }] },
    distribution: { mode: 'cdn', cdn: { base_url: '', provider: 'bunny' } },
    nothing: null,
    gone: undefined,
  };
  it('merges mappings, replaces lists, fills empty texts, strips protected keys', () => {
    const before =
      'name: live # me\ntranscoding:\n  # mine\n  encoding: h264\n  vod_renditions: []\ndistribution:\n  cdn:\n    base_url: https://cdn.example.com\n';
    assert.equal(
      edited(before, ...mergePatch(patch)),
      'name: live # me\ntranscoding:\n  # mine\n  encoding: h264\n  vod_renditions:\n    - height: 720\n      bitrate_kbps: 2800\n  enabled: true\ndistribution:\n  cdn:\n    base_url: https://cdn.example.com\n    provider: bunny\n  mode: cdn\n',
    );
  });
  it('changes nothing when applied again', () => {
    const once = edited('name: live\n', ...mergePatch(patch));
    assert.equal(edited(once, ...mergePatch(patch)), once);
  });
  it('leaves its input alone and has no use for __proto__', () => {
    const hostile = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}');
    assert.deepEqual(mergePatch(hostile), [set('a', 1)]);
    assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
  });
});

describe('pinTranscoding', () => {
  it('writes down what a missing block meant before another key is set', () => {
    assert.deepEqual(pinTranscoding({}, [set('transcoding.encoding', 'h264')])[0], set('transcoding.enabled', true));
    assert.deepEqual(
      pinTranscoding({ rtmp: { transcode: false } }, [set('rtmp.transcode', true)])[0],
      set('transcoding.enabled', false),
    );
  });
  it('stays out of the way otherwise', () => {
    for (const [value, edit] of [
      [{ transcoding: {} }, set('transcoding.encoding', 'h264')],
      [{}, set('transcoding.enabled', false)],
      [{}, set('webrtc.adaptive', false)],
    ] as const)
      assert.deepEqual(pinTranscoding(value, [edit]), [edit]);
  });
});

type Leaf = { path: string[]; value: unknown };
function leavesOf(value: unknown, path: string[] = []): Leaf[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [{ path, value }];
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item, [...path, key]));
}

const isScalarValue = (value: unknown) => typeof value !== 'object' || value === null;
const linesOf = (text: string) => text.split('\n');
const isSubsequence = (few: string[], many: string[]) => {
  let at = 0;
  for (const line of many) if (at < few.length && few[at] === line) at += 1;
  return at === few.length;
};

describe('random configs', () => {
  const ROUNDS = 600;
  it('set, add and remove anything: the text stands for the edited data', () => {
    let edits = 0;
    for (let seed = 1; seed <= ROUNDS; seed += 1) {
      const writer = new RandomYaml(seed);
      const parsed = parseConfig(writer.document());
      if (parsed.value === null) continue;
      const leaves = leavesOf(parsed.value);
      if (leaves.length === 0) continue;
      const list: Edit[] = Array.from({ length: 1 + writer.pick(4) }, () => {
        const path = [...(leaves[writer.pick(leaves.length)] as Leaf).path];
        if (writer.pick(4) === 0 && path.length > 1) path.pop();
        if (writer.pick(3) === 0) path.push(`added${writer.pick(3)}`);
        return writer.pick(4) === 0 ? remove(path) : set(path, writer.value(2));
      });
      const target = applyEdits(parsed.value, list);
      const result = rewriteConfig(parsed, target);
      assert.ok(sameValue(result.value, target), `seed ${seed}`);
      edits += list.length;
    }
    assert.ok(edits > ROUNDS);
  });

  it('setting one scalar touches one line', () => {
    let done = 0;
    for (let seed = 1; seed <= ROUNDS; seed += 1) {
      const writer = new RandomYaml(seed, { anchors: false });
      const text = writer.document();
      const parsed = parseConfig(text);
      if (parsed.value === null) continue;
      const scalars = leavesOf(parsed.value).filter(
        (leaf) => isScalarValue(leaf.value) && !String(leaf.value).includes('text '),
      );
      const leaf = scalars[writer.pick(scalars.length || 1)];
      if (leaf === undefined) continue;
      const after = linesOf(edited(text, set(leaf.path, `set ${seed}`)));
      const before = linesOf(text);
      assert.equal(after.length, before.length, `seed ${seed}`);
      // comments that happen to be in one column move together
      const plain = (line = ''): string => line.replace(/ +(# c\d+\r?)$/, ' $1');
      const differing = before.flatMap((line, index) => (plain(line) === plain(after[index]) ? [] : [index]));
      assert.equal(differing.length, 1, `seed ${seed}`);
      const index = differing[0] as number;
      const comment = / # c\d+\r?$/.exec(before[index] as string)?.[0];
      if (comment) assert.ok(after[index]?.endsWith(comment), `seed ${seed}: the comment is gone`);
      done += 1;
    }
    assert.ok(done > ROUNDS / 2);
  });

  it('adding a key to a block only adds lines, removing one only takes its lines', () => {
    let done = 0;
    for (let seed = 1; seed <= ROUNDS; seed += 1) {
      const writer = new RandomYaml(seed, { anchors: false });
      const text = writer.document();
      const parsed = parseConfig(text);
      if (parsed.value === null) continue;
      const withAdded = edited(text, set('zz.deep', writer.value(2)));
      const body = (value: string) => value.split(/\r?\n/).filter((line) => line !== '');
      assert.ok(isSubsequence(body(text), body(withAdded)), `seed ${seed}`);
      const without = edited(withAdded, remove('zz'));
      assert.equal(without.trimEnd(), text.trimEnd(), `seed ${seed}`);
      done += 1;
    }
    assert.ok(done > ROUNDS / 2);
  });
});
