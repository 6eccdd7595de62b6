import { type Definition, isHidden } from '#daemon/platform/setting-types.ts';
import type { Settings } from '#daemon/platform/settings.ts';
import type { SettingsStore } from '#daemon/platform/settings-store.ts';
import { SETTINGS, type SettingKey } from '#daemon/platform/settings-table.ts';
import { VERSION } from '#daemon/platform/version.ts';
import { MASK } from '#shared/config/annotations.ts';
import {
  type Guidance,
  type InstallationWarning,
  SETTING_GROUPS,
  type Setting,
  type SettingValue,
  type SystemSettings,
} from '#shared/schema/settings.ts';
import { shownAddress } from '#shared/secrets.ts';
import { howToChange } from './guidance.ts';
import { type FoundInstallation, findInstallation } from './installation.ts';

export interface SettingsServiceOptions {
  settings: Settings;
  store: SettingsStore;
  /** Port that is listened on; differs from the setting when that is 0. */
  port(): number;
  appCount(): number;
  nodeCount(): number;
  registryBytes(): Promise<number>;
  uptimeSeconds(): number;
  warnings(): InstallationWarning[];
  /** Someone has watched a stream. */
  wasWatched(): boolean;
}

/** Settings by group, as `guidance` of the API lists them. */
const EXPLAINED: Record<string, readonly SettingKey[]> = {
  core: [
    'port',
    'publicBaseUrl',
    'publicWsUrl',
    'rtmpPublicHost',
    'logLevel',
    'logRetentionDays',
    'authzEnforce',
    'redisUrl',
    'dataDir',
  ],
  auth: ['adminUser', 'adminPass', 'jwtSecret', 'superadminEmail', 'smtpPass'],
  livekit: ['livekitUrl', 'livekitApiKey', 'livekitApiSecret'],
  cluster: ['clusterToken', 'clusterRedisUrl'],
  metrics: ['metricsToken'],
  storage: ['dataDir'],
};

const KEYS = (Object.keys(SETTINGS) as SettingKey[]).toSorted(
  (a, b) => SETTING_GROUPS.indexOf(SETTINGS[a].group) - SETTING_GROUPS.indexOf(SETTINGS[b].group),
);

/** The active configuration, without secrets. */
export class SettingsService {
  readonly #options: SettingsServiceOptions;
  readonly #installation: FoundInstallation;

  constructor(options: SettingsServiceOptions) {
    this.#options = options;
    this.#installation = findInstallation(options.settings);
  }

  get etag(): string {
    return this.#options.store.etag;
  }

  /** Every setting, in the order of the groups. */
  list(): Setting[] {
    return KEYS.map((key) => this.#describe(key));
  }

  #describe(key: SettingKey): Setting {
    const { settings, store } = this.#options;
    const definition: Definition = SETTINGS[key];
    const stored = store.stored(key);
    const place = store.lockedBy(key);
    const hidden = isHidden(definition);
    const value = settings[key] as SettingValue;
    const pending = store.pending(key);
    const { env, label, doc, group, type, test, change } = definition;
    return {
      name: env,
      group,
      label,
      description: doc,
      type,
      ...(definition.type === 'enum' ? { values: [...definition.values] } : {}),
      ...(definition.type === 'int' ? { min: definition.min, max: definition.max } : {}),
      ...(definition.type === 'url' ? { schemes: [...definition.schemes] } : {}),
      secret: hidden,
      change: change ?? 'start',
      test: test ?? null,
      default: hidden ? null : copy(definition.default),
      value: hidden ? null : typeof value === 'string' ? shownAddress(value, MASK) : copy(value),
      isSet: isSet(String(value)),
      shown: hidden && isSet(String(value)) ? shownPart(definition, String(value)) : null,
      origin: settings.origins[key],
      lockedBy: place === null ? null : `${env} ${place}`,
      pending: pending !== undefined,
      pendingValue: pending === undefined ? null : copy(pending),
      problem: stored?.problem ?? null,
      howToChange: howToChange(key, settings, this.#installation),
      changed: stored === undefined ? null : { at: stored.changedAt, by: stored.changedBy, revision: stored.revision },
    };
  }

  #guidance(): Record<string, Guidance[]> {
    const { settings } = this.#options;
    const entry = (key: SettingKey): Guidance => ({
      setting: SETTINGS[key].label,
      envVar: SETTINGS[key].env,
      origin: settings.origins[key],
      howToChange: howToChange(key, settings, this.#installation),
    });
    return Object.fromEntries(Object.entries(EXPLAINED).map(([group, keys]) => [group, keys.map(entry)]));
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
        redisUrl: hostAndPort(s.clusterRedisUrl),
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
        wasWatched: this.#options.wasWatched(),
        safeMode: s.safeMode,
        envFile: s.envFile,
        unit: this.#installation.unit,
      },
      ports: { core: port(), livekitSignaling: 7880, livekitTcp: 7881, livekitUdp: 7882, rtmp: 1935, whip: 8080 },
      etag: this.etag,
      settings: this.list(),
      installation: {
        kind: this.#installation.kind,
        setCommand: this.#installation.setCommand,
        restartCommand: this.#installation.restartCommand,
      },
      warnings: this.#options.warnings(),
      guidance: this.#guidance(),
    };
  }
}

/** What may be seen of a hidden value. */
function shownPart(definition: Definition, value: string): string | null {
  if (definition.type === 'url') return hostAndPort(value);
  return definition.type === 'string' && definition.masked ? maskApiKey(value.trim()) : null;
}

const copy = (value: SettingValue | readonly string[]): SettingValue =>
  Array.isArray(value) ? [...value] : (value as SettingValue);

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
