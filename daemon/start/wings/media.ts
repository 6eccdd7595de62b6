import { EventEmitter } from 'node:events';
import { statfs } from 'node:fs/promises';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { callbackChannel } from '#daemon/media/callbacks/channel.ts';
import { type Channel, OutboxDelivery } from '#daemon/media/callbacks/delivery.ts';
import { CallbackSender } from '#daemon/media/callbacks/sender.ts';
import { CallbackService } from '#daemon/media/callbacks/service.ts';
import { IngressService } from '#daemon/media/ingress/service.ts';
import { LatencyAlerts } from '#daemon/media/latency/alerts.ts';
import { LiveHlsService } from '#daemon/media/live-hls/service.ts';
import { LiveKit } from '#daemon/media/livekit/client.ts';
import { MediaStore, type RowChange } from '#daemon/media/media-store.ts';
import { MovingService } from '#daemon/media/moving/service.ts';
import { LOG_SOURCE } from '#daemon/media/mqtt/link.ts';
import { MqttService } from '#daemon/media/mqtt/service.ts';
import { WatchService } from '#daemon/media/pages/service.ts';
import { RecordingService } from '#daemon/media/recording/service.ts';
import { noteHappening } from '#daemon/media/sessions/happenings.ts';
import { IdentityKeeper } from '#daemon/media/sessions/identities.ts';
import { JoinTokenService } from '#daemon/media/streams/join-tokens.ts';
import { Reconciler } from '#daemon/media/streams/reconciler.ts';
import { RoomDirectory } from '#daemon/media/streams/room-directory.ts';
import { RoomPlacer } from '#daemon/media/streams/room-placer.ts';
import { StreamService } from '#daemon/media/streams/service.ts';
import { TelemetryService } from '#daemon/media/telemetry/service.ts';
import { EgressLadders } from '#daemon/media/transcoding/egress-ladders.ts';
import { TranscodingService } from '#daemon/media/transcoding/service.ts';
import { RecordingInspector } from '#daemon/media/vods/inspector.ts';
import { VodService } from '#daemon/media/vods/service.ts';
import { isOfRecorder } from '#daemon/media/webhooks/apply.ts';
import { LiveKitStatusView } from '#daemon/media/webhooks/livekit-status.ts';
import { WebhookService } from '#daemon/media/webhooks/service.ts';
import { SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { Scrubber } from '#daemon/platform/logs/scrub.ts';
import { publicBase, type SettingValues } from '#daemon/platform/settings.ts';
import { VERSION } from '#daemon/platform/version.ts';
import type { Apps } from './apps.ts';
import type { Cluster } from './cluster.ts';
import type { Identity } from './identity.ts';
import type { Platform } from './platform.ts';
import type { Plugins } from './plugins.ts';
import { createRoomSessions } from './room-sessions.ts';
import { createRooms } from './rooms.ts';

export type Media = ReturnType<typeof createMedia>;

/** Creates the wing that works with LiveKit: rooms, streams, recordings, ingests, webhooks and callbacks. */
export function createMedia(
  platform: Platform,
  { mediaQuotas: quotas, sessionSecret }: Identity,
  clusterWing: Cluster,
  { plugins }: Plugins,
  { apps: appService, deletion, config, delivery: deliveryPlans, secrets, storage }: Apps,
) {
  const { settings, databases, logs, logReaders, events, background, clockWatch } = platform;
  const { policy, logSecrets, pool, jobs, log } = platform;
  const { cluster } = clusterWing;
  const clock = SYSTEM_CLOCK;
  const scrubber = new Scrubber(logSecrets);
  const { registry } = appService;
  const apps = {
    require: (name: string) => registry.require(name),
    get: (name: string) => registry.get(name),
    entries: () => registry.entries(),
    forRoom: (room: string) => registry.forRoom(room),
    formerOwner: (room: string, renamed?: string) => registry.formerOwner(room, renamed),
    hasGivenUpRooms: (name: string) => registry.hasGivenUpRooms(name),
    turnOf: (name: string) => registry.turnOf(name),
    dir: (name: string) => appService.dir(name),
    sizes: (name: string) => appService.sizes(name),
  };
  const livekitLog = log.child({ source: 'livekit' });
  const livekit = new LiveKit({
    settings,
    clean: (text) => scrubber.text(text),
    background,
    onChange: ({ status, reason }) => {
      const level = livekit.isStarting() ? 'debug' : 'warn';
      if (status === 'unreachable') livekitLog[level]({ reason }, 'LiveKit isn’t responding');
      else if (status === 'reachable') livekitLog.info({}, 'LiveKit is responding');
      events.publish({ type: `livekit.${status}`, data: { reason } });
    },
  });
  /** A client for settings that are not active. It watches nothing. */
  const openLiveKit = (wanted: SettingValues): LiveKit =>
    new LiveKit({ settings: wanted, clean: (text) => scrubber.text(text), background });
  settings.onChange(['livekitUrl', 'livekitApiKey', 'livekitApiSecret'], () => livekit.reconfigure());
  const directory = new RoomDirectory();
  const callbackSecret = (app: string) => secrets.get(app, 'callbackSecret');
  const mqttLog = log.child({ source: LOG_SOURCE });
  const mqtt = new MqttService({
    databases,
    apps: { ...apps, noteTrouble: (...trouble) => appService.noteTrouble(...trouble) },
    config,
    password: (app) => secrets.get(app, 'mqttPassword'),
    idKey: sessionSecret.derive('mqtt client ids'),
    policy,
    bus: events,
    background,
    clock,
    log: mqttLog,
  });
  logReaders.push(() => mqtt.wantsLogs());
  const outboxDelivery = (channel: Channel, ownLog: typeof log) =>
    new OutboxDelivery({
      channel,
      databases,
      apps,
      bus: events,
      background,
      retentionNow: clockWatch.retentionNow,
      log: ownLog,
    });
  const sender = new CallbackSender(policy, `StreamHub/${VERSION}`);
  const deliveries = {
    callback: outboxDelivery(
      callbackChannel({ config, secret: callbackSecret, sender }),
      log.child({ source: 'callbacks' }),
    ),
    mqtt: outboxDelivery(mqtt.channel(), mqttLog),
  };
  mqtt.onConnected((app) => deliveries.mqtt.retryNow(app));
  const callbacks = new CallbackService({ apps, config, secret: callbackSecret, deliveries });
  const rows = new EventEmitter<{ changed: [app: AppEntry, changes: readonly RowChange[]] }>();
  const identities = new IdentityKeeper((use) => sessionSecret.derive(use));
  const mediaStore = new MediaStore({
    databases,
    bus: events,
    config,
    appDir: apps.dir,
    clock,
    onCallbacks: (app, receiver) => deliveries[receiver].wake(app),
    onChanges: (app, changes) => rows.emit('changed', app, changes),
    awaitsLadder: (appConfig) => deliveryPlans.makesLadders(appConfig),
    keep: (tx, change) => noteHappening(tx, change, identities),
    background,
  });
  const sessions = createRoomSessions({
    ...{ databases, apps, registry, config, background, clockWatch, events, mediaStore, identities, clock, log },
    nodeOf: (room) => placer.takeNode(room),
  });
  const ordering = { livekit, mediaStore, databases, apps, config, delivery: deliveryPlans, storage, background };
  const liveHls: LiveHlsService = new LiveHlsService({
    ...ordering,
    findStream: (app, id) => streams.find(app, id),
    clock,
    retentionNow: clockWatch.retentionNow,
    log: log.child({ source: 'live-hls' }),
  });
  const streams = new StreamService({
    hls: liveHls,
    livekit,
    mediaStore,
    databases,
    directory,
    apps,
    countLogs: async (app, since) => {
      const count = async (level: 'error' | 'warn' | 'info') =>
        (await logs.searchApp(app, { level, since: since.toISOString(), limit: 1 })).total;
      const [error, warn, info] = await Promise.all([count('error'), count('warn'), count('info')]);
      return { error, warn, info };
    },
  });
  const egressLadders = new EgressLadders({ ...ordering, clock, log: log.child({ source: 'transcoding' }) });
  rows.on(
    'changed',
    background.listener('ladders by egress workers', (app, changes) => egressLadders.follow(app, changes)),
  );
  const transcoding = new TranscodingService({
    egressLadders,
    jobs,
    mediaStore,
    databases,
    apps,
    delivery: deliveryPlans,
    storage,
    pool,
    plugins,
    atOnce: settings.transcodingJobs,
    threads: settings.transcodingThreads,
    nice: settings.transcodingNice,
    background,
    log: log.child({ source: 'transcoding' }),
  });
  const followReady = (app: AppEntry, changes: readonly RowChange[]) => transcoding.follow(app, changes);
  rows.on('changed', background.listener('transcoding of recordings', followReady));
  rows.on(
    'changed',
    background.listener('storages that work', async ({ name }, changes) => {
      for (const change of changes)
        if (change.kind === 'recording_ready' && change.vod.storage_bucket !== null)
          await storage.noteUse(name, change.vod, { ok: true, what: 'recording', reason: null });
    }),
  );
  const moving = new MovingService({
    jobs,
    mediaStore,
    databases,
    apps,
    config,
    storage,
    pool,
    plugins,
    background,
    log: log.child({ source: 'recording' }),
  });
  rows.on(
    'changed',
    background.listener('moves of recordings', (app: AppEntry, changes: readonly RowChange[]) =>
      moving.follow(app, changes),
    ),
  );
  const vods = new VodService({
    mediaStore,
    databases,
    bus: events,
    apps,
    storage,
    jobs,
    egressLadders,
    transcoding,
    moving,
    log: log.child({ source: 'vods' }),
  });
  const placer = new RoomPlacer({
    livekit,
    directory,
    apps,
    placement: {
      hasChoice: () => cluster.nodes.size > 1,
      choose: (room, options) => {
        const { node, livekitNodeId, address } = cluster.placement.choose(room, options);
        return { name: node?.name ?? null, livekitNodeId, address };
      },
      entryAddress: (options) => cluster.placement.entryAddress(options),
    },
    log: livekitLog,
  });
  const inspector = new RecordingInspector({
    storage,
    mediaStore,
    databases,
    apps,
    background,
    retentionNow: clockWatch.retentionNow,
    log: log.child({ source: 'vods' }),
  });
  const recording = new RecordingService({
    livekit,
    mediaStore,
    databases,
    directory,
    apps,
    config,
    storage,
    delivery: deliveryPlans,
    roomOf: (app, name) => placer.roomOf(app, name),
    recover: (app, vod, reason) => inspector.recover(app, vod, reason),
    freeBytes: async (folder) => {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    },
    findStream: (app, id) => streams.find(app, id),
    quotas,
    background,
    clock,
    log: log.child({ source: 'recording' }),
  });
  const reconciler = new Reconciler({
    livekit,
    mediaStore,
    databases,
    directory,
    sessions: sessions.sync,
    apps,
    checkRecorder: (app, vod) => recording.checkRecorder(app, vod),
    onResumed: async (app) => {
      await recording.resume(app);
      await liveHls.resume(app);
      background.run('inspection of recordings', () => inspector.resume(app));
    },
    background,
    log: livekitLog,
    clock: clockWatch.clock,
    retentionNow: clockWatch.retentionNow,
    onJump: (listener) => clockWatch.onJump(listener),
  });
  const followRows = (app: AppEntry, changes: readonly RowChange[]): Promise<void> => {
    reconciler.noteBusy(app.name);
    return recording.follow(app, changes);
  };
  rows.on('changed', background.listener('automatic recordings', followRows));
  rows.on(
    'changed',
    background.listener('automatic live HLS', (app, changes) => liveHls.follow(app, changes)),
  );
  rows.on(
    'changed',
    background.listener('inspection of recordings', (app, changes) => inspector.follow(app, changes)),
  );
  const webhooks = new WebhookService({
    livekit,
    mediaStore,
    databases,
    directory,
    sessions: sessions.recorder,
    apps,
    config,
    onEvent: (app, event) => {
      const { name, room, person, track, egress } = event;
      reconciler.noteBusy(app.name);
      sessions.follow(app, event);
      if (egress !== null) background.run('lost recordings', () => recording.egressTold(app, egress.id));
      if (room === null) return;
      if (name === 'room_finished')
        background.run('recordings of ended rooms', () => recording.roomFinished(app, room.name));
      else if (name === 'track_published' && track?.type === 'video' && person !== null) {
        recording.pictureCame(app, room.name, person.identity);
        background.run('live HLS of new video', () => liveHls.pictureCame(app, room.name, person.identity));
      } else if (name === 'participant_left' && person !== null && isOfRecorder(event)) {
        background.run('lost recordings', () => recording.recorderLeft(app, person.identity, person.hasTimedOut));
        liveHls.recorderLeft(app, person.identity);
      }
    },
    onGap: (room) => {
      if (room === null) reconciler.soon();
      else background.run('room check', () => reconciler.syncRoom(room));
    },
    log: log.child({ source: 'webhooks' }),
    clock,
  });
  const joinTokens = new JoinTokenService({
    livekit,
    apps,
    delivery: deliveryPlans,
    placer,
    quotas,
    publicBase: () => publicBase(settings),
  });
  const watch = new WatchService({
    livekit,
    apps,
    delivery: deliveryPlans,
    directory,
    placer,
    liveHls,
    clock,
  });
  const ingests = new IngressService({
    livekit,
    mediaStore,
    databases,
    apps,
    delivery: deliveryPlans,
    placer,
    quotas,
    policy,
    rtmpHost: () => settings.rtmpPublicHost,
    events,
    log: livekitLog,
  });
  // RTMP that the config refuses must be refused for encoders that have a key, too
  const followApp = (app?: string): void => void background.run('RTMP ingests', () => ingests.follow(app));
  const followed: ReadonlySet<string> = new Set(['config.changed', 'config.reloaded', 'app.deleted']);
  events.subscribe(({ type, app }) => (followed.has(type) ? followApp(app) : undefined));
  const livekitStatus = new LiveKitStatusView({
    clock: SYSTEM_CLOCK,
    livekit,
    webhooks,
    reconciler,
    url: () => settings.livekitUrl,
    publicBase: () => publicBase(settings),
  });
  const parts = { livekit, directory, placer, apps, delivery: deliveryPlans };
  const { openRooms, roomActions, counts } = createRooms(platform, clusterWing, parts);

  const latencyAlerts = new LatencyAlerts({
    apps: { ...apps, noteTrouble: (...trouble) => appService.noteTrouble(...trouble) },
    delivery: deliveryPlans,
    streams: () => liveHls.measured(),
    nodes: () => cluster.forwardDelays(),
    liveRooms: () => directory.liveNames(),
    mediaStore,
    bus: events,
    background,
    clock,
    log: log.child({ source: 'latency' }),
  });

  deletion.prepareWith(async (app) => {
    await ingests.removeAll(app);
    await recording.endAll(app);
    await liveHls.endAll(app);
    await egressLadders.endAll(app);
    await transcoding.end(app);
    await moving.end(app);
  });

  return {
    livekit,
    openLiveKit,
    /** Who is in which room. */
    rooms: directory,
    openRooms,
    roomActions,
    reconciler,
    inspector,
    streams,
    ...{ roomSessions: sessions.service, sessionKeeper: sessions.keeper, identities },
    telemetry: new TelemetryService({ livekit, apps, config, databases, identities, clock }),
    joinTokens,
    watch,
    ingests,
    vods,
    recording,
    liveHls,
    webhooks,
    callbacks,
    mqtt,
    livekitStatus,
    start() {
      livekit.reachability.onReachable(() => followApp());
      livekit.start();
      reconciler.start();
      mqtt.start();
      for (const delivery of Object.values(deliveries)) delivery.start();
      sessions.keeper.start();
      latencyAlerts.start();
      counts.start();
      inspector.start();
      transcoding.start();
      moving.start();
    },
    async stop() {
      transcoding.stop();
      egressLadders.stop();
      counts.stop();
      await latencyAlerts.stop();
      recording.stop();
      await liveHls.stop();
      inspector.stop();
      livekit.stop();
      await reconciler.stop();
      await sessions.keeper.stop();
      await Promise.all(Object.values(deliveries).map((delivery) => delivery.stop()));
      await mqtt.stop();
    },
  };
}
