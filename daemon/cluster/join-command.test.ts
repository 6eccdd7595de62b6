import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { joinCommand, shellQuote } from './join-command.ts';

test('a quoted word reaches the program as it is', () => {
  for (const word of ['plain', '', "it's", 'a b', '$HOME', '`id`', '"', '\\', '<x>', 'a;b', 'é*?', 'line\nbreak']) {
    assert.equal(execFileSync('sh', ['-c', `printf %s ${shellQuote(word)}`]).toString(), word);
  }
  assert.equal(shellQuote('https://x.example:8443/a-b_c'), 'https://x.example:8443/a-b_c');
});

const input = {
  code: () => 'shj_x',
  name: null,
  base: 'https://s.example',
  reachedAt: 'http://10.0.0.5:3020',
  redisUrl: 'redis://10.0.0.5:6379',
};

test('the configured base comes first, else where the request arrived', () => {
  const command = joinCommand(input);
  assert.equal(
    command.joinCommand,
    '{ echo STREAMHUB_JOIN_CODE=shj_x; curl -fsSL https://s.example/install.sh; } | sudo sh -s -- --join --master-url https://s.example',
  );
  assert.deepEqual(command.notes, []);
  const found = joinCommand({ ...input, base: null });
  assert.match(found.joinCommand, /--master-url http:\/\/10\.0\.0\.5:3020$/);
  assert.equal(found.notes.length, 1, 'a private address needs no https');
});

test('a code that is bound to a name comes with it', () => {
  assert.match(joinCommand({ ...input, name: 'edge-1' }).joinCommand, / --node-name edge-1$/);
});

test('nothing is printed where nothing would work', () => {
  assert.equal(joinCommand({ ...input, base: null, reachedAt: null }).joinCommand, '');
});

test('what would fail on another machine is said', () => {
  const notes = (more: object) => joinCommand({ ...input, ...more }).notes.join('\n');
  assert.match(notes({ base: 'http://localhost:3020' }), /loopback/);
  for (const host of ['0.0.0.0', '[::]', '127.1.2.3', '[::ffff:127.0.0.1]', 'node.localhost', 'localhost.']) {
    assert.match(notes({ base: `http://${host}:3020` }), /loopback/, host);
    assert.match(notes({ redisUrl: `redis://${host}:6379` }), /REDIS_URL is a loopback/, host);
  }
  for (const host of ['169.254.1.1', '[fe80::1]'])
    assert.match(notes({ base: `http://${host}:3020` }), /link-local/, host);
  assert.match(notes({ base: 'http://s.example' }), /not https/);
  assert.match(notes({ redisUrl: null }), /STREAMHUB_CLUSTER_REDIS_URL is not set/);
  assert.match(notes({ redisUrl: 'redis://127.0.0.1:6379' }), /REDIS_URL is a loopback/);
});
