import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRoomOf, type PrefixClaim, prefixesOf, RoomPrefixes, roomNamed } from './rooms.ts';

const claim = (id: number, roomPrefix: string, tenantId: string): PrefixClaim => ({
  id,
  name: `app-${id}`,
  roomPrefix,
  tenantId,
});
const claims = (...all: PrefixClaim[]) => {
  const prefixes = new RoomPrefixes<PrefixClaim>();
  for (const one of all) prefixes.add(one);
  return prefixes;
};

describe('the tree of a prefix', () => {
  for (const [room, prefix, isIn] of [
    ['a', 'a', true],
    ['a-', 'a', true],
    ['a-b', 'a', true],
    ['a--b', 'a', true],
    ['a--b', 'a-', true],
    ['a-b', 'a-', false],
    ['ab', 'a', false],
    ['A', 'a', false],
    ['A-b', 'a', false],
    ['a‐b', 'a', false], // another dash of Unicode
    ['a', 'a-b', false],
    ['', 'a', false],
  ] as const)
    it(`${prefix}: ${JSON.stringify(room)} is ${isIn ? '' : 'not '}in it`, () => {
      assert.equal(isRoomOf(room, prefix), isIn);
      assert.equal([...prefixesOf(room)].includes(prefix), isIn, 'both readings agree');
      assert.ok(isRoomOf(roomNamed(room, prefix), prefix));
    });
});

describe('prefixes of two teams', () => {
  const words = ['a', 'b', 'a-', 'a-b', 'a--b', 'ab', 'a-b-c', 'a-bc', '-a', 'a-b-'];
  it('are refused exactly when some room would be in both trees', () => {
    const rooms = words.flatMap((word) => [word, `${word}-`, `${word}-x`, `${word}x`, `${word}--x`]);
    for (const one of words)
      for (const other of words) {
        const share = rooms.some((room) => isRoomOf(room, one) && isRoomOf(room, other));
        const found = claims(claim(1, one, 'x')).conflictWith({ name: 'new', roomPrefix: other, tenantId: 'y' });
        assert.equal(found !== undefined, share, `${one} and ${other}`);
      }
  });

  it('may be nested within a team, but never equal', () => {
    const prefixes = claims(claim(1, 'a', 'x'));
    assert.equal(prefixes.conflictWith({ name: 'new', roomPrefix: 'a-b', tenantId: 'x' }), undefined);
    assert.equal(prefixes.conflictWith({ name: 'new', roomPrefix: 'a', tenantId: 'x' })?.id, 1);
    assert.equal(prefixes.conflictWith({ name: 'app-1', roomPrefix: 'a', tenantId: 'x' }), undefined, 'its own');
  });

  it('are free again when the claim is gone', () => {
    const one = claim(1, 'a-b', 'x');
    const prefixes = claims(one);
    prefixes.delete(one);
    for (const roomPrefix of ['a', 'a-b', 'a-b-c'])
      assert.equal(prefixes.conflictWith({ name: 'new', roomPrefix, tenantId: 'y' }), undefined);
  });
});

describe('whose room it is', () => {
  for (const [title, all, room, owner] of [
    ['the longest prefix within a team', [claim(1, 'a', 'x'), claim(2, 'a-b', 'x')], 'a-b-c', 2],
    ['the shorter one elsewhere', [claim(1, 'a', 'x'), claim(2, 'a-b', 'x')], 'a-c', 1],
    ['nobody’s', [claim(1, 'a', 'x')], 'b', undefined],
    ['of an older overlap: the older claim above', [claim(1, 'a', 'x'), claim(2, 'a-b', 'y')], 'a-b-c', 1],
    ['of an older overlap: the older claim below', [claim(2, 'a', 'x'), claim(1, 'a-b', 'y')], 'a-b-c', 1],
    ['what only the younger claim has', [claim(2, 'a', 'x'), claim(1, 'a-b', 'y')], 'a-c', 2],
    ['a nested app of the older team', [claim(1, 'a', 'x'), claim(2, 'a-b', 'y'), claim(3, 'a-b-c', 'x')], 'a-b-c', 3],
    ['two rivals', [claim(3, 'a', 'x'), claim(5, 'a-b', 'x'), claim(4, 'a-b-c', 'y')], 'a-b-c', 5],
  ] as const)
    it(title, () => assert.equal(claims(...all).ownerOf(room)?.id, owner));

  it('names the younger of two rivals', () => {
    const [older, younger] = [claim(1, 'a-b', 'x'), claim(2, 'a', 'y')];
    const prefixes = claims(older, younger);
    assert.equal(prefixes.olderRival(younger)?.id, 1);
    assert.equal(prefixes.olderRival(older), undefined);
  });
});
