import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathOfLine, yamlPlace } from './yaml-place.ts';

const at = (text: string) => yamlPlace(text.split('\n'));

test('a key at the top', () => {
  assert.deepEqual(at('name: live\nrec'), { path: [], kind: 'key', key: undefined, from: 0, typed: 'rec' });
});

test('a key and a value inside a mapping', () => {
  const place = at('name: live\nrecording:\n  enabled: true\n\n  # when\n  mo');
  assert.deepEqual([place.path, place.kind, place.typed], [['recording'], 'key', 'mo']);
  const value = at('recording:\n  mode: room');
  assert.deepEqual([value.path, value.kind, value.key, value.typed], [['recording'], 'value', 'mode', 'room']);
});

test('keys two levels down, after a sibling block', () => {
  assert.deepEqual(at('distribution:\n  mode: cdn\n  cdn:\n    base_url: x\n    pro').path, ['distribution', 'cdn']);
  assert.deepEqual(at('mqtt:\n  logs:\n    enabled: true\n  qo').path, ['mqtt']);
});

test('list items, indented or in the column of their key', () => {
  assert.deepEqual(at('webrtc:\n  layers:\n    - name: high\n      hei').path, ['webrtc', 'layers', '-']);
  assert.deepEqual(at('webrtc:\n  layers:\n  - na').path, ['webrtc', 'layers', '-']);
  assert.deepEqual(at('webrtc:\n  layers:\n    - name: high\n      height: 720\n    - na').path, [
    'webrtc',
    'layers',
    '-',
  ]);
});

test('the path of a line names the line’s own key', () => {
  const lines = 'name: live\nrecording:\n  split_minutes: 5\n'.split('\n');
  assert.deepEqual(pathOfLine(lines, 2), ['recording', 'split_minutes']);
  assert.deepEqual(pathOfLine(lines, 0), ['name']);
});
