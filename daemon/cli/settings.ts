import { loadSettings, type Settings } from '#daemon/platform/settings.ts';

/**
 * The daemon's settings for a command beside it. It writes what is odd about them to standard error, as the daemon does at its start.
 * @throws SettingsError
 */
export function commandSettings({ dataDir, envFile }: { dataDir?: string; envFile?: string }): Settings {
  const settings = loadSettings({ env: process.env, flags: { 'data-dir': dataDir, 'env-file': envFile } });
  for (const { message } of settings.warnings) process.stderr.write(`streamhub: warning: ${message}\n`);
  return settings;
}
