import type { ResultOf } from '#shared/contract/operation.ts';
import type { getSettings } from '#shared/contract/system.ts';

type Settings = ResultOf<typeof getSettings>['data'];

/** Where the answer has the value in force of a variable; secrets are only told to be set. */
const VALUES: Record<string, (settings: Settings) => string | number | boolean> = {
  NODE_ENV: ({ core }) => core.nodeEnv,
  PORT: ({ core }) => core.port,
  HOST: ({ core }) => core.host,
  PUBLIC_BASE_URL: ({ core }) => core.publicBaseUrl,
  PUBLIC_WS_URL: ({ core }) => core.publicWsUrl,
  RTMP_PUBLIC_HOST: ({ core }) => core.rtmpPublicHost,
  LOG_LEVEL: ({ core }) => core.logLevel,
  LOG_RETENTION_DAYS: ({ core }) => core.logRetentionDays,
  STREAMHUB_AUTHZ_ENFORCE: ({ core }) => core.authzEnforce,
  REDIS_URL: ({ core }) => core.redisUrl,
  DATA_DIR: ({ core }) => core.dataDir,
  ADMIN_USER: ({ auth }) => auth.adminUser,
  ADMIN_PASS: ({ auth }) => auth.adminPassSet,
  STREAMHUB_JWT_SECRET: ({ auth }) => auth.jwtSecretSet,
  STREAMHUB_SMTP_HOST: ({ auth }) => auth.smtpConfigured,
  STREAMHUB_SMTP_PASS: ({ auth }) => auth.smtpConfigured,
  STREAMHUB_SUPERADMIN_EMAIL: ({ auth }) => auth.superadminEmail,
  LIVEKIT_URL: ({ livekit }) => livekit.url,
  LIVEKIT_API_KEY: ({ livekit }) => (livekit.apiKeySet ? livekit.apiKeyMasked : false),
  LIVEKIT_API_SECRET: ({ livekit }) => livekit.apiKeySet,
  STREAMHUB_CLUSTER_TOKEN: ({ cluster }) => cluster.enabled,
  STREAMHUB_CLUSTER_REDIS_URL: ({ cluster }) => cluster.redisConfigured,
  METRICS_TOKEN: ({ metrics }) => metrics.tokenSet,
};

/** The value in force; undefined where the daemon does not tell it. */
export function valueOfSetting(settings: Settings, variable: string): string | boolean | undefined {
  const value = VALUES[variable]?.(settings);
  return typeof value === 'number' ? String(value) : value;
}
