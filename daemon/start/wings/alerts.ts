import { CallbackSender } from '#daemon/media/callbacks/sender.ts';
import { certificateEnd } from '#daemon/operations/alerts/certificates.ts';
import { AlertChannels } from '#daemon/operations/alerts/channels.ts';
import { Incidents } from '#daemon/operations/alerts/incidents.ts';
import { Moments } from '#daemon/operations/alerts/moments.ts';
import { Notifier } from '#daemon/operations/alerts/notifier.ts';
import { alertRepository } from '#daemon/operations/alerts/repository.ts';
import { AlertRules } from '#daemon/operations/alerts/rules.ts';
import { AlertSender } from '#daemon/operations/alerts/sender.ts';
import { AlertService } from '#daemon/operations/alerts/service.ts';
import { factSources } from '#daemon/operations/alerts/sources.ts';
import { AlertWatch } from '#daemon/operations/alerts/watch.ts';
import { SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { installationId, metaStore } from '#daemon/platform/db/meta.ts';
import { Scrubber } from '#daemon/platform/logs/scrub.ts';
import { networkFailure } from '#daemon/platform/net/network-failures.ts';
import { askRedis } from '#daemon/platform/net/redis.ts';
import { publicBase } from '#daemon/platform/settings.ts';
import { VERSION } from '#daemon/platform/version.ts';
import { isStale } from '#shared/rules/nodes.ts';
import type { Apps } from './apps.ts';
import type { createBackups } from './backups.ts';
import type { Cluster } from './cluster.ts';
import type { Identity } from './identity.ts';
import type { Media } from './media.ts';
import type { createOperations } from './operations.ts';
import type { Platform } from './platform.ts';
import type { Plugins } from './plugins.ts';

/** Creates what watches all other wings: rules, incidents and the channels that tell of them. */
export function createAlerts(
  {
    settings,
    secretFile,
    logSecrets,
    db,
    events,
    background,
    clockWatch,
    policy,
    jobTroubles,
    warnings,
    publicUrl,
    certificate,
    log: rootLog,
  }: Platform,
  { tenants, quotas, usage, mailer, guard }: Identity,
  { cluster }: Cluster,
  { plugins }: Plugins,
  { apps: { registry }, storage }: Apps,
  media: Media,
  { health, stats }: ReturnType<typeof createOperations>,
  { backups }: Pick<ReturnType<typeof createBackups>, 'backups'>,
): AlertService {
  const clock = SYSTEM_CLOCK;
  const log = rootLog.child({ source: 'alerts' });
  const scrubber = new Scrubber(logSecrets);
  const repository = alertRepository(db);
  const rules = new AlertRules(repository);
  const channels = new AlertChannels({ repository, secrets: secretFile, policy, rules });
  const incidents = new Incidents({ repository, rules: () => rules.list(), bus: events, background, clock });
  const base = (): string => settings.appUrl || publicUrl();
  const moments = new Moments({
    bus: events,
    app: (name) => registry.get(name),
    now: () => clock.now(),
    wake: () => watch.soon(),
  });
  clockWatch.onJump((ms) => {
    const text = `The clock of the daemon’s machine jumped by ${Math.round(ms / 1000)} s`;
    moments.note('clock-jumped', { subject: 'daemon', name: 'the daemon’s machine', text });
  });
  const sources = factSources({
    livekit: {
      state: () => {
        const { state } = media.livekit.reachability;
        return media.livekit.isStarting() ? { ...state, status: 'unknown' } : state;
      },
      url: () => settings.livekitUrl,
      clockDifference: () => media.livekit.clockDifference,
    },
    redis: async () => {
      // the default address belongs to nobody until someone sets it
      if (settings.origins.redisUrl === 'default') return undefined;
      try {
        const [reply] = await askRedis(settings.redisUrl, [['PING']]);
        return reply instanceof Error ? 'it refuses the request' : null;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        return networkFailure(code) ?? 'it can’t be reached, or refuses the sign-in';
      }
    },
    checks: () => health.checks(),
    stats: () => stats.stats(),
    nodes: {
      all: () => cluster.nodes.values(),
      judge: (node) => cluster.judged(node),
      isFresh: (node) => !isStale(cluster.nodes.health(node)),
      isSettled: () => cluster.isSettled,
    },
    apps: {
      entries: () => registry.entries(),
      get: (name) => registry.get(name),
      record: (app) => registry.record(app),
    },
    callbackFailure: (app) => media.callbacks.failure(app),
    hasReadConfigs: () => media.mqtt.hasReadConfigs,
    storageTroubles: () => storage.troubles(),
    jobs: jobTroubles,
    plugins: () => plugins.troubles(),
    warnings: () => warnings.list(),
    backupTrouble: () => backups.trouble(),
    guard,
    teams: () => tenants.all(),
    quotas: (team) => quotas.of(team),
    usage: (team) => usage.of(team),
    addresses: () => ({ 'this daemon': publicBase(settings) ?? '', LiveKit: settings.livekitUrl }),
    certificateEnd,
    ownCertificateEnd: () => certificate?.endsAt,
    channels: () => channels.all(),
    now: () => clock.now(),
  });
  const notifier = new Notifier({
    repository,
    incidents,
    channels,
    rules: () => rules.list(),
    base,
    background,
    clock,
    onStored: () => sender.wake(),
  });
  const watch: AlertWatch = new AlertWatch({
    sources: [...sources, moments],
    incidents,
    bus: events,
    background,
    clock,
    onLooked: () => notifier.look(),
  });
  const sender: AlertSender = new AlertSender({
    repository,
    channels,
    post: new CallbackSender(policy, `StreamHub/${VERSION}`),
    mailer,
    bus: events,
    installation: installationId(metaStore(db)),
    clean: (text) => scrubber.text(text),
    background,
    clock,
    log,
    onChange: () => watch.soon(),
  });
  return new AlertService({
    repository,
    rules,
    channels,
    incidents,
    moments,
    watch,
    notifier,
    sender,
    base,
    bus: events,
    background,
    retentionNow: clockWatch.retentionNow,
    clock,
  });
}
