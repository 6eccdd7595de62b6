import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Caller, holds, isWithin, permissionRefusal, permissionsHeld, refusalOf, visibleApps } from './access.ts';
import { operations } from './contract/index.ts';
import { appParamOf, type Operation } from './contract/operation.ts';
import { USED_PERMISSIONS } from './permissions.ts';

const person = (role: Caller['role'], tenantId: string | null = 'a'): Caller => ({
  tenantId,
  role,
  isSuperadmin: false,
  scope: 'user',
  via: 'user_jwt',
});
const CALLERS = {
  'global token': { tenantId: 'platform', role: 'service', isSuperadmin: false, scope: 'global', via: 'api_token' },
  superadmin: { tenantId: null, role: 'superadmin', isSuperadmin: true, scope: 'global', via: 'user_jwt' },
  'app token': { tenantId: 'a', role: 'service', isSuperadmin: false, scope: 'app', via: 'api_token', appId: 1 },
  owner: person('owner'),
  editor: person('editor'),
  viewer: person('viewer'),
  stranger: person(null, null),
} satisfies Record<string, Caller>;
type Name = keyof typeof CALLERS;

const OWN = { appId: 1, tenantId: 'a' };
const SIBLING = { appId: 2, tenantId: 'a' };
const OTHER = { appId: 3, tenantId: 'b' };

describe('the apps that a caller may see', () => {
  for (const [name, own, sibling, other] of [
    ['global token', true, true, true],
    ['superadmin', true, true, true],
    ['app token', true, false, false],
    ['owner', true, true, false],
    ['viewer', true, true, false],
    ['stranger', false, false, false],
  ] as const satisfies readonly (readonly [Name, boolean, boolean, boolean])[])
    it(name, () => {
      const apps = visibleApps(CALLERS[name]);
      assert.deepEqual(
        [OWN, SIBLING, OTHER].map((app) => isWithin(apps, app)),
        [own, sibling, other],
      );
      assert.equal(isWithin(apps, { appId: null, tenantId: null }), apps.kind === 'all', 'what belongs to nobody');
    });

  it('an app token without its app sees none, never all', () =>
    assert.deepEqual(visibleApps({ ...CALLERS['app token'], appId: undefined }), { kind: 'none' }));
});

describe('what a caller may do', () => {
  const op = (id: string): Operation => {
    const found = operations.find((one) => one.id === id);
    assert.ok(found, id);
    return found;
  };
  for (const [id, allowed] of [
    ['listNodes', ['global token', 'superadmin']],
    ['listSessions', ['superadmin', 'owner', 'editor', 'viewer', 'stranger']],
    ['listApps', ['global token', 'superadmin', 'app token', 'owner', 'editor', 'viewer', 'stranger']],
    ['createApp', ['global token', 'superadmin', 'owner', 'editor']],
    ['deleteApp', ['global token', 'superadmin', 'app token', 'owner']],
    ['putRawConfig', ['global token', 'superadmin', 'app token', 'owner', 'editor']],
  ] as const satisfies readonly (readonly [string, readonly Name[]])[])
    it(id, () => {
      const may = Object.entries(CALLERS).filter(([, caller]) => refusalOf(op(id), caller) === undefined);
      assert.deepEqual(
        may.map(([name]) => name),
        allowed,
      );
    });

  it('an app that is not the caller’s is refused on every route that names an app', () => {
    const routes = operations.filter((one) => typeof one.access === 'object' && appParamOf(one) !== undefined);
    assert.ok(routes.length > 20);
    for (const one of routes) {
      for (const name of ['app token', 'owner'] as const)
        assert.equal(permissionRefusal(one, CALLERS[name], OTHER)?.code, 'APP_NOT_YOURS', `${name} ${one.id}`);
      assert.equal(permissionRefusal(one, CALLERS['app token'], SIBLING)?.code, 'APP_NOT_YOURS', one.id);
      assert.equal(permissionRefusal(one, CALLERS['app token'], null)?.code, 'APP_NOT_YOURS', 'a name of no app');
      assert.equal(permissionRefusal(one, CALLERS.owner, null), undefined, 'answered as not found');
    }
  });

  it('every refusal says what is missing', () => {
    for (const one of operations)
      for (const caller of Object.values(CALLERS)) {
        const refusal = refusalOf(one, caller);
        if (refusal !== undefined) assert.notEqual(refusal.lack, '');
      }
  });

  it('lists exactly the permissions that it then allows', () => {
    for (const [name, caller] of Object.entries(CALLERS)) {
      const listed = new Set(permissionsHeld(caller));
      for (const permission of permissionsHeld(CALLERS.superadmin))
        assert.equal(listed.has(permission), holds(caller, permission), `${name} ${permission}`);
    }
  });
});

it('no read-only token reads a secret that an answer shows', () => {
  const readOnly: Caller = { ...CALLERS['global token'], readOnly: true };
  const reads = operations.filter(({ method, access }) => method === 'GET' && access !== 'public');
  const shows = reads.filter(({ responses }) => JSON.stringify(responses).includes('"x-secret":true'));
  assert.ok(shows.length > 0);
  for (const op of shows) assert.equal(refusalOf(op, readOnly)?.code, 'TOKEN_LIMITED', op.id);
});

it('the permissions that a token can be limited to are those that operations need', () => {
  const needed = operations.flatMap(({ access }) => (typeof access === 'object' ? [access.permission] : []));
  assert.deepEqual([...new Set(needed)].sort(), [...USED_PERMISSIONS].sort());
});
