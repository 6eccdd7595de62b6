import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '#shared/errors.ts';
import { SHARES } from '#shared/rules/shares.ts';
import type { Principal } from '../principal.ts';
import { Shares } from './shares.ts';

const LIMITS = { what: 'things', total: 12, reserve: 2, principal: 3, team: 5, address: 7, retryAfter: 9 };
const user = (userId: string, tenantId: string | null, scope: Principal['scope'] = 'user') =>
  ({ userId, tenantId, scope, role: 'viewer', isSuperadmin: scope === 'global', via: 'user_jwt' }) as Principal;

/** How many the caller gets before it is refused, and with which code. */
function takeAll(shares: Shares, principal: Principal | null, ip: string): [number, string, (() => void)[]] {
  const held: (() => void)[] = [];
  for (;;) {
    try {
      held.push(shares.take('work', { principal, ip }));
    } catch (error) {
      assert.ok(error instanceof ApiError);
      assert.equal(error.headers?.['retry-after'], '9');
      return [held.length, error.code, held];
    }
  }
}

test('a user, a team and an address each get their share; operators get what is left', () => {
  const shares = new Shares({ work: LIMITS });
  assert.deepEqual(takeAll(shares, user('a', 'one'), '192.0.2.1').slice(0, 2), [3, 'SHARE_USED_UP']);
  assert.deepEqual(
    takeAll(shares, user('b', 'one'), '192.0.2.1').slice(0, 2),
    [2, 'SHARE_USED_UP'],
    'the team is full',
  );
  assert.deepEqual(
    takeAll(shares, user('c', 'two'), '192.0.2.1').slice(0, 2),
    [2, 'SHARE_USED_UP'],
    'so is the address',
  );
  assert.deepEqual(takeAll(shares, user('d', 'six'), '192.0.2.2').slice(0, 2), [3, 'SHARE_USED_UP']);
  assert.deepEqual(
    takeAll(shares, user('e', 'ten'), '192.0.2.3').slice(0, 2),
    [0, 'OVERLOADED'],
    'the rest is reserved',
  );
  assert.deepEqual(takeAll(shares, user('admin', 'platform', 'global'), '192.0.2.1').slice(0, 2), [2, 'OVERLOADED']);
});

test('what is given back counts once, and nobody is remembered', () => {
  const shares = new Shares({ work: LIMITS });
  const [count, , held] = takeAll(shares, null, '2001:db8:1:2::1');
  assert.equal(count, LIMITS.address);
  assert.equal(takeAll(shares, null, '2001:db8:1:2:ffff::9')[0], 0, 'the same /64');
  for (const release of held) {
    release();
    release();
  }
  assert.equal(takeAll(shares, user('a', null), '2001:db8:1:2::1')[0], LIMITS.principal);
});

test('no share of one caller fills what is for all', () => {
  for (const [name, { total, reserve, principal, team, address }] of Object.entries(SHARES)) {
    assert.ok(reserve > 0 && principal <= team && team < total - reserve && address < total - reserve, name);
  }
});
