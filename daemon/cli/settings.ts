import { loadSettings, type Settings } from '#daemon/platform/settings.ts';

/**
 * The daemon's settings for a command beside it. What is odd about them goes to standard error, as when the daemon starts.
 * @throws SettingsError
 */
export function commandSettings({ dataDir, envFile }: { dataDir?: string; envFile?: string }): Settings {
  const settings = loadSettings({ env: process.env, flags: { 'data-dir': dataDir, 'env-file': envFile } });
  for (const { message } of settings.warnings) process.stderr.write(`streamhub: warning: ${message}\n`);
  return settings;
}
