import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import { ApiError } from '#shared/errors.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { securityRepository } from './repository.ts';
import { AddressGuard, type SecurityOptions } from './service.ts';

const DAY = 86_400_000;
const ACTOR = { id: 'admin', ip: '127.0.0.1' };

function setup(options: Partial<SecurityOptions> = {}, db = openDatabase(':memory:')) {
  migrate(db, registryMigrations);
  const clock = new ManualClock(Date.parse('2026-06-01T00:00:00.000Z'));
  const warnings: object[] = [];
  const guard = new AddressGuard({
    background: testBackground(),
    events: new EventBus((error) => {
      throw error;
    }),
    repository: securityRepository(db),
    options: {
      mode: 'enforce',
      allowlistOnly: false,
      ...options,
      autoban: { enabled: true, maxOffenses: 3, windowSeconds: 300, baseTtlSeconds: 900, ...options.autoban },
    },
    log: { warn: (data) => warnings.push(data) },
    clock,
  });
  guard.start();
  guard.stop();
  return { db, clock, warnings, guard };
}

/** The code of the refusal, or `pass`. */
function knock(guard: AddressGuard, ip: string): string {
  try {
    guard.check(ip);
    return 'pass';
  } catch (error) {
    return (error as ApiError).code;
  }
}
const offend = (guard: AddressGuard, ip: string, times: number) => {
  for (let n = 0; n < times; n += 1) guard.offend(ip, 'BAD_LOGIN');
};

test('a block rule shuts a range out, an allow rule inside it lets one in, expiry ends it', () => {
  const { guard, clock } = setup();
  guard.createRule({ cidr: '203.0.113.99/24', action: 'block' }, ACTOR);
  guard.createRule({ cidr: '203.0.113.7', action: 'allow' }, ACTOR);
  guard.createRule({ cidr: '2001:db8::/32', action: 'block', expiresInSeconds: 60 }, ACTOR);
  assert.equal(knock(guard, '203.0.113.8'), 'IP_BLOCKED');
  assert.equal(knock(guard, '::ffff:203.0.113.8'), 'IP_BLOCKED');
  assert.equal(knock(guard, '203.0.113.7'), 'pass');
  assert.equal(knock(guard, '203.0.114.1'), 'pass');
  assert.equal(knock(guard, '2001:db8:1::1'), 'IP_BLOCKED');
  clock.advance(60_000);
  assert.equal(knock(guard, '2001:db8:1::1'), 'pass');
  assert.deepEqual(
    guard.listRules().map((rule) => rule.cidr),
    ['203.0.113.0/24', '203.0.113.7'],
  );
});

test('the same range is one rule, however it is written; an expired one can be made again', () => {
  const { guard, clock } = setup();
  guard.createRule({ cidr: '203.0.113.0/24', action: 'block', expiresInSeconds: 60 }, ACTOR);
  const again = () => guard.createRule({ cidr: '203.0.113.200/24', action: 'allow' }, ACTOR);
  assert.throws(again, { code: 'IP_RULE_EXISTS' });
  clock.advance(60_001);
  assert.equal(again().action, 'allow');
  for (const cidr of ['nowhere', '1.2.3.4/33', '', '0177.0.0.1']) {
    assert.throws(() => guard.createRule({ cidr, action: 'block' }, ACTOR), { code: 'VALIDATION_FAILED' }, cidr);
  }
});

test('loopback and private addresses pass whatever the rules say, and are never banned', () => {
  const { guard } = setup({ allowlistOnly: true });
  guard.createRule({ cidr: '0.0.0.0/0', action: 'block' }, ACTOR);
  guard.createRule({ cidr: '::/0', action: 'block' }, ACTOR);
  for (const ip of ['127.0.0.1', '::1', '10.0.0.5', '192.168.1.2', '172.16.0.1', 'fd00::1', '::ffff:10.0.0.5']) {
    offend(guard, ip, 50);
    assert.equal(knock(guard, ip), 'pass', ip);
  }
  assert.equal(knock(guard, '203.0.113.1'), 'IP_BLOCKED');
  assert.throws(() => guard.createBan({ ip: '10.0.0.5' }, ACTOR), { code: 'VALIDATION_FAILED' });
});

test('with the allow list only, an address needs a rule', () => {
  const { guard } = setup({ allowlistOnly: true });
  assert.equal(knock(guard, '203.0.113.1'), 'IP_BLOCKED');
  guard.createRule({ cidr: '203.0.113.0/24', action: 'allow' }, ACTOR);
  assert.equal(knock(guard, '203.0.113.1'), 'pass');
  assert.equal(guard.verdict('198.51.100.1').verdict, 'blocked');
});

test('mode log refuses nobody and says so; mode off does not look', () => {
  const logging = setup({ mode: 'log' });
  logging.guard.createRule({ cidr: '203.0.113.0/24', action: 'block' }, ACTOR);
  assert.equal(knock(logging.guard, '203.0.113.1'), 'pass');
  assert.equal(logging.warnings.length, 1);
  const off = setup({ mode: 'off' });
  off.guard.createRule({ cidr: '203.0.113.0/24', action: 'block' }, ACTOR);
  assert.equal(knock(off.guard, '203.0.113.1'), 'pass');
  assert.equal(off.guard.verdict('203.0.113.1').verdict, 'blocked', 'the preview tells what enforcing would do');
});

test('repeated offences ban; each repeat doubles, seven days at most; the ban ends by itself', () => {
  const { guard, clock } = setup();
  const ip = '203.0.113.50';
  offend(guard, ip, 2);
  assert.equal(knock(guard, ip), 'pass');
  offend(guard, ip, 1);
  assert.equal(knock(guard, ip), 'IP_BANNED');
  const lengths: number[] = [];
  for (let n = 0; n < 13; n += 1) {
    const [ban] = guard.listBans();
    assert.ok(ban);
    lengths.push((Date.parse(ban.expiresAt) - Date.parse(ban.bannedAt)) / 1000);
    clock.advance(Date.parse(ban.expiresAt) - 1 - clock.now());
    assert.equal(knock(guard, ip), 'IP_BANNED');
    clock.advance(1);
    assert.equal(knock(guard, ip), 'pass');
    offend(guard, ip, 3);
  }
  assert.deepEqual(lengths.slice(0, 4), [900, 1800, 3600, 7200]);
  assert.deepEqual(lengths.slice(-2), [604_800, 604_800]);
});

test('offences outside the window do not add up', () => {
  const { guard, clock } = setup();
  offend(guard, '203.0.113.51', 2);
  clock.advance(300_000);
  offend(guard, '203.0.113.51', 2);
  assert.equal(knock(guard, '203.0.113.51'), 'pass');
});

test('an IPv6 client cannot walk through its own /64', () => {
  const { guard } = setup();
  offend(guard, '2001:db8:9:9::1', 1);
  offend(guard, '2001:db8:9:9:ffff::2', 1);
  offend(guard, '2001:db8:9:9:1:2:3:4', 1);
  assert.equal(knock(guard, '2001:db8:9:9:abcd::9'), 'IP_BANNED');
  assert.equal(knock(guard, '2001:db8:9:8::1'), 'pass');
});

test('an allowed address is not banned', () => {
  const { guard } = setup();
  guard.createRule({ cidr: '203.0.113.60', action: 'allow' }, ACTOR);
  offend(guard, '203.0.113.60', 50);
  assert.equal(knock(guard, '203.0.113.60'), 'pass');
});

test('bans outlive a restart; those made by itself end when it is told to make none', () => {
  const { guard, db } = setup();
  offend(guard, '203.0.113.70', 3);
  guard.createBan({ ip: '203.0.113.71', seconds: 600, reason: 'scanner' }, ACTOR);
  const second = setup({}, db).guard;
  assert.deepEqual([knock(second, '203.0.113.70'), knock(second, '203.0.113.71')], ['IP_BANNED', 'IP_BANNED']);
  const off = { enabled: false, maxOffenses: 3, windowSeconds: 300, baseTtlSeconds: 900 };
  const third = setup({ mode: 'off', autoban: off }, db).guard;
  assert.deepEqual([knock(third, '203.0.113.70'), knock(third, '203.0.113.71')], ['pass', 'IP_BANNED']);
});

test('a lifted ban is over at once, and its offences are forgotten', () => {
  const { guard } = setup();
  offend(guard, '203.0.113.80', 3);
  const [ban] = guard.listBans();
  assert.ok(ban);
  guard.deleteBan(ban.id, ACTOR);
  assert.equal(knock(guard, '203.0.113.80'), 'pass');
  offend(guard, '203.0.113.80', 3);
  assert.equal(guard.listBans()[0]?.offenses, 1);
  assert.throws(() => guard.deleteBan(ban.id, ACTOR), { code: 'IP_BAN_NOT_FOUND' });
});

test('old bans are forgotten after thirty days', () => {
  const { guard, clock, db } = setup();
  offend(guard, '203.0.113.90', 3);
  clock.advance(31 * DAY);
  securityRepository(db).purge(new Date(clock.now()).toISOString(), new Date(clock.now() - 30 * DAY).toISOString());
  assert.deepEqual(guard.listBans(), []);
});

test('nobody shuts out the own address by accident', () => {
  const { guard } = setup();
  const me = { id: 'admin', ip: '203.0.113.5' };
  assert.throws(() => guard.createRule({ cidr: '203.0.113.0/24', action: 'block' }, me), {
    code: 'WOULD_SHUT_YOU_OUT',
  });
  assert.throws(() => guard.createBan({ ip: '203.0.113.5' }, me), { code: 'WOULD_SHUT_YOU_OUT' });
  assert.equal(guard.createRule({ cidr: '203.0.113.0/24', action: 'block', force: true }, me).action, 'block');
});

test('a flood of addresses does not grow the memory without bound', () => {
  const { guard } = setup({ autoban: { enabled: true, maxOffenses: 1000, windowSeconds: 300, baseTtlSeconds: 900 } });
  for (let n = 0; n < 60_000; n += 1) guard.offend(`203.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, 'BAD_LOGIN');
  assert.ok(guard.watched <= 50_000);
});

test('errors carry what older clients read', () => {
  const { guard } = setup();
  guard.createBan({ ip: '203.0.113.3', seconds: 120 }, ACTOR);
  assert.throws(
    () => guard.check('203.0.113.3'),
    (error: ApiError) =>
      error instanceof ApiError &&
      error.status === 429 &&
      error.headers?.['retry-after'] === '120' &&
      error.extra?.['data'] === null,
  );
});
