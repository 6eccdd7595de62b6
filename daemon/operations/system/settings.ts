import type { Settings } from '#daemon/platform/settings.ts';
import { SETTINGS, type SettingKey } from '#daemon/platform/settings-table.ts';
import { VERSION } from '#daemon/platform/version.ts';
import { MASK } from '#shared/config/annotations.ts';
import type { Guidance, InstallationWarning, SystemSettings } from '#shared/schema/settings.ts';
import { shownAddress } from '#shared/secrets.ts';
import { howToChange } from './guidance.ts';

export interface SettingsServiceOptions {
  settings: Settings;
  /** Port that is listened on; differs from the setting when that is 0. */
  port(): number;
  appCount(): number;
  nodeCount(): number;
  registryBytes(): Promise<number>;
  uptimeSeconds(): number;
  warnings(): InstallationWarning[];
}

/** Settings that the page explains, by group, in the order of the page. */
const EXPLAINED: Record<string, readonly (readonly [setting: string, key: SettingKey])[]> = {
  core: [
    ['Port and address', 'port'],
    ['Public base URL', 'publicBaseUrl'],
    ['Public WebSocket URL', 'publicWsUrl'],
    ['Public RTMP host', 'rtmpPublicHost'],
    ['Log level', 'logLevel'],
    ['Log retention, days', 'logRetentionDays'],
    ['Permission enforcement', 'authzEnforce'],
    ['Redis URL', 'redisUrl'],
    ['Data directory', 'dataDir'],
  ],
  auth: [
    ['Admin user', 'adminUser'],
    ['Admin password', 'adminPass'],
    ['Session secret', 'jwtSecret'],
    ['Superadmin e-mail', 'superadminEmail'],
    ['SMTP', 'smtpPass'],
  ],
  livekit: [
    ['LiveKit URL', 'livekitUrl'],
    ['LiveKit API key', 'livekitApiKey'],
    ['LiveKit API secret', 'livekitApiSecret'],
  ],
  cluster: [
    ['Join token', 'clusterToken'],
    ['Cluster Redis', 'clusterRedisUrl'],
  ],
  metrics: [['Scrape token', 'metricsToken']],
  storage: [['Data directory', 'dataDir']],
};

/** The active configuration, without secrets. */
export class SettingsService {
  readonly #options: SettingsServiceOptions;
  readonly #guidance: Record<string, Guidance[]>;

  constructor(options: SettingsServiceOptions) {
    this.#options = options;
    const { settings } = options;
    this.#guidance = Object.fromEntries(
      Object.entries(EXPLAINED).map(([group, entries]) => [
        group,
        entries.map(([setting, key]) => ({
          setting,
          envVar: SETTINGS[key].env,
          origin: settings.origins[key],
          howToChange: howToChange(key, settings),
        })),
      ]),
    );
  }

  async read(): Promise<SystemSettings> {
    const { settings: s, port, appCount, nodeCount, registryBytes, uptimeSeconds } = this.#options;
    return {
      core: {
        nodeEnv: s.nodeEnv,
        port: port(),
        host: s.host,
        publicBaseUrl: shownAddress(s.publicBaseUrl.trim(), MASK),
        publicWsUrl: shownAddress(s.publicWsUrl.trim(), MASK),
        rtmpPublicHost: shownAddress(s.rtmpPublicHost.trim(), MASK),
        logLevel: s.logLevel,
        logRetentionDays: s.logRetentionDays,
        authzEnforce: s.authzEnforce,
        redisUrl: hostAndPort(s.redisUrl),
        dataDir: s.dataDir,
      },
      auth: {
        adminUser: s.adminUser.trim(),
        jwtSecretSet: isSet(s.jwtSecret),
        adminPassSet: isSet(s.adminPass),
        smtpConfigured: isSet(s.smtpHost) && isSet(s.smtpPass),
        superadminEmail: s.superadminEmail.trim(),
      },
      livekit: {
        url: shownAddress(s.livekitUrl.trim(), MASK),
        apiKeySet: isSet(s.livekitApiKey),
        apiKeyMasked: maskApiKey(s.livekitApiKey.trim()),
      },
      cluster: {
        enabled: isSet(s.clusterToken),
        redisConfigured: isSet(s.clusterRedisUrl),
        nodesCount: nodeCount(),
      },
      metrics: { tokenSet: isSet(s.metricsToken) },
      storage: { dataDir: s.dataDir, dbSizeBytes: await registryBytes(), appsCount: appCount() },
      versions: { core: VERSION, node: process.version },
      runtime: {
        uptimeSeconds: uptimeSeconds(),
        pid: process.pid,
        platform: process.platform,
        memoryRssBytes: process.memoryUsage.rss(),
        safeMode: s.safeMode,
        envFile: s.envFile,
        unit: s.systemdUnit || null,
      },
      ports: { core: port(), livekitSignaling: 7880, livekitTcp: 7881, livekitUdp: 7882, rtmp: 1935, whip: 8080 },
      warnings: this.#options.warnings(),
      guidance: this.#guidance,
    };
  }
}

const isSet = (value: string): boolean => value.trim() !== '';

/** First six characters; of a short key no more than two. */
export function maskApiKey(key: string): string {
  return key === '' ? '' : `${key.slice(0, key.length <= 8 ? 2 : 6)}…`;
}

/** Only `host:port` of a Redis address; empty if it cannot be parsed. */
export function hostAndPort(url: string): string {
  try {
    const { hostname, port } = new URL(url.includes('://') ? url : `redis://${url}`);
    return hostname === '' ? '' : `${hostname}:${port || '6379'}`;
  } catch {
    return '';
  }
}
