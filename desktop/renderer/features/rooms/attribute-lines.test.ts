import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesIn, toLines } from './attribute-lines.ts';

test('attributes of any kind read back as they were', () => {
  const all = {
    seat: '4',
    mood: 'good=fine',
    'a name': ' and its value ',
    'a=b': 'c',
    note: 'first\nsecond\r\nthird',
    json: '{"a":"b=c"}',
    '"quoted"': '"as well"',
    'half"': '"half',
    ' spaced ': 'x',
    'two\nlines=': '\\n',
    '\\"=': '\t',
  };
  assert.deepEqual(changesIn(toLines(all), all), {});
  assert.deepEqual(changesIn(toLines(all), {}), all);
  assert.equal(toLines({ seat: '4', mood: 'good=fine', json: '{"a":1}' }), 'seat=4\nmood=good=fine\njson={"a":1}');
});

test('only changed attributes are sent, and what is gone is removed', () => {
  const before = { seat: '4', 'a=b': 'x\ny', gone: '1', empty: '' };
  const changed = changesIn('seat=5\n"a=b"="x\\ny"\n\n new = "half\nempty', before);
  assert.deepEqual(changed, { seat: '5', gone: '', new: ' "half' });
});
