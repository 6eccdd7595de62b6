import { isKeptLocally } from '#daemon/apps/storage/location.ts';
import { certificateEnd } from '#daemon/operations/alerts/certificates.ts';
import type { AlertService } from '#daemon/operations/alerts/service.ts';
import { addressChecks } from '#daemon/operations/doctor/addresses.ts';
import { fileChecks } from '#daemon/operations/doctor/files.ts';
import { machineChecks, openFilesOfProcess } from '#daemon/operations/doctor/machine.ts';
import { mediaChecks } from '#daemon/operations/doctor/media.ts';
import { portChecks } from '#daemon/operations/doctor/ports.ts';
import { Probes } from '#daemon/operations/doctor/probes.ts';
import { Doctor } from '#daemon/operations/doctor/service.ts';
import { DATABASE_CHECK } from '#daemon/operations/doctor/tasks.ts';
import { wingChecks } from '#daemon/operations/doctor/wings.ts';
import { findInstallation } from '#daemon/operations/system/installation.ts';
import { Scrubber } from '#daemon/platform/logs/scrub.ts';
import { publicBase } from '#daemon/platform/settings.ts';
import { SETTINGS, type SettingKey } from '#daemon/platform/settings-table.ts';
import { isUrlHere } from '#shared/rules/hosts.ts';
import { isStale } from '#shared/rules/nodes.ts';
import type { Apps } from './apps.ts';
import type { Cluster } from './cluster.ts';
import type { Media } from './media.ts';
import type { createOperations } from './operations.ts';
import type { Platform } from './platform.ts';

const DAY_MS = 86_400_000;

/** Creates what looks at all other wings when somebody asks. */
export function createDoctor(
  { settings, dir, logSecrets, pool, logs, listening, warnings, publicUrl, log }: Platform,
  { cluster }: Cluster,
  { apps: { registry }, config, storage }: Apps,
  media: Media,
  { connections, health, managedLiveKit }: ReturnType<typeof createOperations>,
  alerts: AlertService,
) {
  const probes = new Probes();
  const scrubber = new Scrubber(logSecrets);
  const liveKitForBrowsers = () => (media.livekit.isConfigured ? settings.publicWsUrl || settings.livekitUrl : '');
  const doctor = new Doctor({
    checks: async (caller) => [
      ...machineChecks({
        dataDir: dir.root,
        isLiveKitHere: () => isUrlHere(settings.livekitUrl) && media.livekit.isConfigured,
        openFiles: openFilesOfProcess,
      }),
      ...fileChecks({
        dataDir: dir.root,
        hasApp: (name) => registry.get(name) !== undefined,
        checkDatabases: (input) => pool.run(DATABASE_CHECK, input),
      }),
      ...addressChecks({
        publicBase: () => publicBase(settings),
        listensAt: () => listening.url,
        liveKitForBrowsers,
        probes,
        certificateEnd,
        now: () => Date.now(),
      }),
      ...portChecks({
        nodes: () =>
          [...cluster.nodes.values()].filter((node) => node.agent !== null && !isStale(cluster.nodes.health(node))),
        looks: cluster.looks,
        heartbeatSeconds: cluster.timing.heartbeatSeconds,
        liveKitForBrowsers,
        rtmpHost: () => settings.rtmpPublicHost,
      }),
      ...mediaChecks({
        livekit: media.livekit,
        webhooks: media.webhooks,
        webhookUrl: () => `${publicUrl()}/api/v1/webhooks/livekit`,
        test: (connection) => connections.test(connection),
        isRedisUnset: () => settings.origins.redisUrl === 'default' && settings.clusterRedisUrl === '',
        isMailUnset: () => settings.smtpHost === '',
        programs: async () => (await managedLiveKit.status()).programs,
      }),
      ...(await wingChecks({
        readyChecks: () => health.checks(),
        warnings: () => warnings.list(),
        apps: registry,
        isLocal: async (app) => isKeptLocally((await config.get(app)).s3),
        storage,
        nodes: { all: () => cluster.nodes.values(), judge: (node) => cluster.judged(node) },
        incidents: () => alerts.list(caller, { open: true, limit: 100 }).data,
      })),
    ],
    about: () => ({
      installation: findInstallation(settings).kind,
      uptimeSeconds: health.uptimeSeconds,
      apps: registry.size,
      nodes: cluster.summary().total,
    }),
    settings: () =>
      (Object.keys(SETTINGS) as SettingKey[]).flatMap((key) => {
        const origin = settings.origins[key];
        return origin === 'default' ? [] : [{ name: SETTINGS[key].env, origin }];
      }),
    errors: async (caller) => {
      const since = new Date(Date.now() - DAY_MS).toISOString();
      const { errors } = await logs.errors({ since, limit: 20 }, caller);
      return errors.map(({ count, line }) => ({
        lastAt: line.ts,
        count,
        source: line.source,
        message: line.message,
      }));
    },
    clean: (text) => scrubber.text(text),
    log: log.child({ source: 'doctor' }),
  });
  return { doctor, probes };
}
