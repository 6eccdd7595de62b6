import type { Settings } from '#daemon/platform/settings.ts';
import { type Definition, SETTINGS, type SettingKey } from '#daemon/platform/settings-table.ts';

/** Commands that change a setting, for copying. They hold a placeholder, never the present value. */
export function howToChange(key: SettingKey, settings: Settings): string {
  const definition: Definition = SETTINGS[key];
  const restart = `sudo systemctl restart ${quote(settings.systemdUnit)}`;
  if (key === 'dataDir') {
    // the env file is inside the data directory, so it cannot name it
    return `Stop the daemon and move the folder. Then set the new path where the daemon is started: run sudo systemctl edit ${quote(settings.systemdUnit)} and add Environment=DATA_DIR=<folder>, or start it with --data-dir <folder>. Then: ${restart}`;
  }
  const names =
    key === 'port'
      ? ['PORT', 'HOST']
      : key === 'smtpPass'
        ? ['STREAMHUB_SMTP_HOST', 'STREAMHUB_SMTP_USER', 'STREAMHUB_SMTP_PASS']
        : [definition.env];
  const file = quote(settings.envFile);
  const steps = names.map(
    (name) =>
      `sudo sed -i '/^${name}=/d' ${file}; echo '${name}=<${placeholder(name, key)}>' | sudo tee -a ${file} >/dev/null`,
  );
  const edit = [`sudo touch ${file}`, ...steps, restart].join('; ');
  const origin = settings.origins[key];
  if (origin === 'environment') {
    return `${definition.env} is set in the environment of the process, which takes precedence over the file. Change it there (for a unit: sudo systemctl edit ${quote(settings.systemdUnit)}), or remove it there and run: ${edit}`;
  }
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

/** A word for the shell. */
function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
