import type { Definition } from '#daemon/platform/setting-types.ts';
import type { Settings } from '#daemon/platform/settings.ts';
import { SETTINGS, type SettingKey } from '#daemon/platform/settings-table.ts';
import type { FoundInstallation } from './installation.ts';

/** Commands that change a setting where the daemon is started, for copying. They hold a placeholder, never the present value. */
export function howToChange(key: SettingKey, settings: Settings, installation: FoundInstallation): string {
  const definition: Definition = SETTINGS[key];
  const { setInFile, restartCommand, editEnvironment, kind } = installation;
  const isCommand = kind === 'systemd' || kind === 'pm2' || kind === 'container' || kind === 'kubernetes';
  const join = (set: string): string => (isCommand ? `${set}; ${restartCommand}` : `${set}\n${restartCommand}`);
  if (key === 'dataDir') {
    // the env file is inside the data directory, so it cannot name it
    const where =
      kind === 'systemd'
        ? `run ${editEnvironment} and add Environment=DATA_DIR=<folder>, or start it with --data-dir <folder>. Then: ${restartCommand}`
        : 'start it with --data-dir <folder>, or set DATA_DIR in its environment.';
    return `Stop the daemon and move the folder. Then set the new path where the daemon is started: ${where}`;
  }
  const names =
    key === 'port'
      ? ['PORT', 'HOST']
      : key === 'smtpPass'
        ? ['STREAMHUB_SMTP_HOST', 'STREAMHUB_SMTP_USER', 'STREAMHUB_SMTP_PASS']
        : [definition.env];
  const edit = join(setInFile(names.map((name) => `${name}=<${placeholder(name, key)}>`)));
  const origin = settings.origins[key];
  if (origin === 'environment')
    return `${definition.env} is set in the environment of the process, which takes precedence over the file. Change it there (${editEnvironment}), or remove it there and run: ${edit}`;
  if (origin === 'flag')
    return `It is set by a flag on the command line, which takes precedence. Change the flag, or remove it and run: ${edit}`;
  return edit;
}

function placeholder(name: string, key: SettingKey): string {
  const definition = Object.values(SETTINGS).find((one) => one.env === name) as Definition;
  if (definition.type === 'enum') return definition.values.join('|');
  if (definition.type === 'int') return 'number';
  return definition.secret || key === 'livekitApiKey' ? 'new value' : 'value';
}
