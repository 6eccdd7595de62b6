import assert from 'node:assert/strict';
import test from 'node:test';
import { analyseUnit, noUnitAnalysis } from '#test/helpers/units.ts';
import { layoutOf } from './layout.ts';
import { agentUnit, environmentFile, livekitUnit, unitWord } from './systemd.ts';

test('a word of ExecStart reaches the program as it is', () => {
  assert.equal(unitWord('/opt/a-b/c.mjs'), '/opt/a-b/c.mjs');
  assert.equal(unitWord('/opt/a b'), '"/opt/a b"');
  assert.equal(unitWord('50%$HOME"\\'), '"50%%$$HOME\\"\\\\"');
});

test('LiveKit ends for good when it leaves in order, and is confined on a whole machine', () => {
  const layout = layoutOf('/opt/x');
  const unit = livekitUnit(layout, '/usr/bin/livekit-server', 'system', true);
  assert.match(unit, /^Restart=on-failure$/m);
  assert.match(unit, /^DynamicUser=yes$/m);
  assert.match(unit, /^ExecStart=\/usr\/bin\/livekit-server --config %d\/livekit\.yaml$/m);
  assert.match(unit, /^LoadCredential=livekit\.yaml:\/opt\/x\/etc\/livekit\.yaml$/m);
  assert.match(unit, /^LoadCredential=ca\.pem:\/opt\/x\/etc\/ca\.pem\nEnvironment=SSL_CERT_FILE=%d\/ca\.pem$/m);
  assert.match(unit, /^EnvironmentFile=-\/opt\/x\/etc\/livekit\.env$/m);
  assert.ok(!unit.includes('[Install]'), 'the agent starts it, so that a drained node stays empty over a reboot');
  const agent = agentUnit(layout, '/usr/bin/node', 'system');
  assert.match(agent, /^RestartPreventExitStatus=10$/m);
  assert.match(agent, /^ExecStartPre=-\/usr\/bin\/node \/opt\/x\/bin\/streamhub-edge\.previous\.mjs take-back /m);
});

test('a value reaches LiveKit’s environment as it is', () => {
  assert.equal(environmentFile({ HTTPS_PROXY: 'http://a:"$b`\\@p' }), 'HTTPS_PROXY="http://a:\\"\\$b\\`\\\\@p"\n');
});

test('systemd finds the units of a whole machine valid, and well confined', { skip: noUnitAnalysis }, () => {
  const layout = layoutOf('/opt/stream hub');
  for (const [name, text] of [
    ['streamhub-edge.service', agentUnit(layout, '/usr/bin/node', 'system')],
    ['streamhub-livekit.service', livekitUnit(layout, '/usr/bin/livekit-server', 'system', true)],
  ] as const) {
    const { exposure, complaints } = analyseUnit(name, text);
    assert.ok(exposure <= 3, `${name}: ${exposure}`);
    assert.equal(complaints, '', name);
  }
});
