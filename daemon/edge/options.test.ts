import assert from 'node:assert/strict';
import test from 'node:test';
import { installOptions, readFlags, UsageError } from './options.ts';

const read = (args: string[], env: Record<string, string> = {}) =>
  installOptions(readFlags('install', ['--node-name', 'n', ...args]), env);

test('the flags of the join command, placeholder and all', () => {
  const options = read([
    '--join',
    '--master-token',
    't',
    '--master-ip',
    '<THIS_SERVER_IP>',
    '--master-url',
    'https://s.example/x/',
  ]);
  assert.equal(options.masterUrl, 'https://s.example/x');
  assert.equal(options.masterIp, undefined);
  assert.equal(options.masterToken, 't');
  assert.deepEqual(options.ports, {});
  assert.deepEqual(read(['--master-url', 'http://a', '--rtc-tcp-port', '0']).ports, { tcp: 0 });
  assert.deepEqual([options.systemd, options.dryRun, options.region], [undefined, false, undefined]);
});

test('an address alone is enough, and older names and variables work', () => {
  const options = read(['--cluster-token', 't', '--origin-ip', '10.1.2.3']);
  assert.deepEqual([options.masterUrl, options.masterIp], ['http://10.1.2.3:3020', '10.1.2.3']);
  const fromEnv = read([], {
    STREAMHUB_CLUSTER_TOKEN: 't',
    STREAMHUB_ORIGIN_URL: 'http://a:1',
    STREAMHUB_REGION: 'eu',
  });
  assert.deepEqual([fromEnv.masterUrl, fromEnv.masterToken, fromEnv.region], ['http://a:1', 't', 'eu']);
  const both = read(['--master-token', 'flag', '--master-url', 'http://a'], { STREAMHUB_MASTER_TOKEN: 'env' });
  assert.equal(both.masterToken, 'flag');
  assert.equal(read(['--master-ip', '2001:db8::1']).masterUrl, 'http://[2001:db8::1]:3020');
  assert.equal(read(['--master-url', 'http://a', '--master-ip', '']).masterIp, '');
});

test('what cannot be right is refused with the flag’s name', () => {
  const base = ['--master-token', 't', '--master-url', 'http://a'];
  const cases: [string[], RegExp][] = [
    [['--master-token', 't'], /--master-url/],
    [['--master-token', 't', '--master-ip', '<THIS_SERVER_IP>'], /--master-url/],
    [['--master-token', 't', '--master-url', 'ftp://a'], /http/],
    [['--master-token', 't', '--master-url', 'http://u:p@a'], /plain base address/],
    [[...base, '--node-name', 'a b'], /--node-name/],
    [[...base, '--rtc-udp-port', '70000'], /70000 is not a port/],
    [[...base, '--rtc-udp-port', '-1'], /rtc-udp-port/],
    [[...base, '--nonsense'], /--nonsense/],
  ];
  for (const [args, wanted] of cases) {
    assert.throws(
      () => read(args),
      (error: Error) => error instanceof UsageError && wanted.test(error.message),
      args.join(' '),
    );
  }
});
