import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loadSettings } from '#daemon/platform/settings.ts';
import { SETTINGS, type SettingKey } from '#daemon/platform/settings-table.ts';
import { howToChange } from './guidance.ts';
import { findInstallation, type InstallationTraces } from './installation.ts';

const NOWHERE: InstallationTraces = {
  env: {},
  pid: 42,
  platform: 'linux',
  hostname: 'studio',
  cgroup: '',
  isInContainer: false,
};
const SYSTEM_UNIT = { env: { SYSTEMD_EXEC_PID: '42' }, cgroup: '0::/system.slice/streamhub.service\n' };
const USER_UNIT = {
  env: { SYSTEMD_EXEC_PID: '42' },
  cgroup: '0::/user.slice/user-1000.slice/user@1000.service/app.slice/hub.service\n',
};

/** How each kind of start sets a variable in the env file, and restarts. */
const STARTS: readonly [kind: string, traces: Partial<InstallationTraces>, set: RegExp, restart: RegExp][] = [
  ['systemd', SYSTEM_UNIT, /^sudo touch .*sudo tee -a /, /; sudo systemctl restart streamhub$/],
  ['systemd', USER_UNIT, /^echo '.*' >> /, /; systemctl --user restart hub$/],
  ['npm', { env: { npm_lifecycle_event: 'start' } }, /^echo '.*' >> /, /\nPress Ctrl\+C where .*, then: npm start$/],
  [
    'container',
    { isInContainer: true, hostname: '0123456789ab' },
    /^docker exec 0123456789ab sh -c "echo /,
    /; docker restart 0123456789ab$/,
  ],
  [
    'kubernetes',
    { env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, isInContainer: true },
    /^echo '/,
    /; kubectl rollout /,
  ],
  ['pm2', { env: { pm_id: '0', name: 'hub' } }, /^echo '/, /; pm2 restart hub$/],
  ['desktop', { env: { ELECTRON_RUN_AS_NODE: '1' } }, /^echo '/, /\nStop the daemon in the desktop app/],
  ['shell', {}, /^echo '/, /\nPress Ctrl\+C where the daemon runs, then start it again\.$/],
];

for (const [kind, traces, set, restart] of STARTS) {
  const name = `${kind}${traces === USER_UNIT ? ' of a user' : ''}`;
  it(`${name}: each setting has the commands of this start, and of no other`, () => {
    const settings = loadSettings({ env: { DATA_DIR: '/srv/hub' } });
    const installation = findInstallation(settings, { ...NOWHERE, ...traces });
    assert.equal(installation.kind, kind);
    for (const key of Object.keys(SETTINGS) as SettingKey[]) {
      const snippet = howToChange(key, settings, installation);
      if (key === 'dataDir') {
        assert.match(snippet, /--data-dir <folder>/);
        continue;
      }
      assert.match(snippet, set, key);
      assert.match(snippet, restart, key);
      assert.ok(snippet.includes(`${SETTINGS[key].env}=<`), key);
      for (const [other, word] of [
        ['systemd', 'systemctl'],
        ['container', 'docker'],
        ['kubernetes', 'kubectl'],
        ['pm2', 'pm2'],
      ])
        if (other !== kind) assert.ok(!snippet.includes(word as string), `${key}: ${snippet}`);
    }
  });
}

it('a variable of the environment is changed there, in the words of this start', () => {
  for (const [, traces] of STARTS) {
    const settings = loadSettings({ env: { DATA_DIR: '/srv/hub', PORT: '8080' } });
    const installation = findInstallation(settings, { ...NOWHERE, ...traces });
    const snippet = howToChange('port', settings, installation);
    assert.match(snippet, /takes precedence over the file/);
    assert.ok(snippet.includes(installation.editEnvironment), snippet);
  }
});
