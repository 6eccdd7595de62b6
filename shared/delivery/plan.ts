import type { AppConfig } from '../config/defaults.ts';
import type { ResolvedHwaccel } from '../config/hwaccel.ts';
import type { DeliveryNotice, DeliveryPlanData } from '../schema/delivery.ts';
import { ladderOf, MAX_RUNGS, type Rung, rungOf } from './ladder.ts';

/**
 * What StreamHub asks of LiveKit, of ffmpeg, of publishers and of players for one app. Everything that acts on a delivery
 * key of config.yaml reads it here: orders, previews, pages and documents say the same. Its fields are declared and explained
 * in `shared/schema/delivery.ts`.
 */
export interface DeliveryPlan extends DeliveryPlanData {
  /** What the config asks for and this installation cannot do, or does otherwise. */
  notices: DeliveryNotice[];
}

export type RecordingPlan = NonNullable<DeliveryPlan['recording']>;
/** A video encoder's settings. */
export type VideoEncoding = RecordingPlan['video'];
export type VodPlan = NonNullable<DeliveryPlan['vod']>;
export type LiveHlsPlan = NonNullable<DeliveryPlan['live']>;
export type IngestPlan = DeliveryPlan['ingest'];
/** How the ingress service encodes what comes in. */
export type IngestEncoding = DeliveryPlan['ingest']['url'];
/** For livekit-client's `publishDefaults`. */
export type PublishPlan = DeliveryPlan['publish'];
type IngestLayer = IngestEncoding['layers'][number];
export type PublishLayer = PublishPlan['layers'][number];

/** What the plan must know beside the config. */
export interface DeliveryFacts {
  /** Where recordings go: a bucket that LiveKit writes to, the app's folder, or a provider that gets them from there. */
  storage: 'bucket' | 'folder' | 'moved';
  /** ffmpeg is on the daemon's machine. */
  hasFfmpeg: boolean;
  hwaccel: ResolvedHwaccel;
  /** Public address of the daemon, without a slash at the end, e.g. `https://hub.example.com`. */
  daemonUrl: string;
  /** The bucket does not let pages of other sites read it (CORS), as was seen last. */
  refusesPages: boolean;
}

/** Frames a second of what the server encodes. LiveKit's own default. */
const FRAMERATE = 30;
const KEYFRAME_SECONDS = 2;
const SEGMENT_SECONDS = 4;
/** Entries of a live playlist written by LiveKit's egress service (measured; it has no setting). */
const EGRESS_LIST_SIZE = 5;
/** Processors that an egress service sets aside for each kind of order (its defaults). */
export const EGRESS_CPUS = { 'room-composite': 4, participant: 2, track: 1 } as const;

/** Makes the plan. Pure: the same config and facts always give the same plan. */
export function deliveryPlan(config: AppConfig, facts: DeliveryFacts): DeliveryPlan {
  const { transcoding, webrtc, rtmp, features, hls, latencyAlert } = config;
  const ladder = ladderOf(config);
  const segmentSeconds = hls.segmentSeconds ?? SEGMENT_SECONDS;
  const live = liveHls(config, facts, ladder, segmentSeconds);
  const ladders = vod(config, facts, ladder, segmentSeconds);
  return {
    recording: config.recording.enabled ? recording(config, facts, ladder, segmentSeconds) : null,
    vod: ladders,
    live,
    ingest: {
      rtmp: { isEnabled: rtmp.enabled, ...ingestEncoding(config, transcoding.enabled && rtmp.transcode) },
      whip: { isTranscoding: transcoding.enabled, ...ingestEncoding(config, true) },
      url: ingestEncoding(config, transcoding.enabled),
    },
    publish: { simulcast: webrtc.adaptive, layers: publishLayers(config) },
    room: { playoutDelayMs: webrtc.playoutDelayMs ?? null },
    player: {
      title: config.player.title || config.displayName,
      accent: config.player.accent || null,
      logoUrl: config.player.logoUrl || null,
      adaptive: features.adaptivePlayer,
      viewerCounter: features.viewerCounter,
      chat: features.chat,
      reactions: features.reactions,
      isPublic: features.publicPlayback,
      hiddenQc: features.hiddenQc,
    },
    playback: playbackPlan(config),
    latencyAlert: latencyAlert.enabled
      ? {
          thresholdMs: live === null ? null : (latencyAlert.thresholdMs ?? usualThreshold(live)),
          forwardThresholdMs: latencyAlert.forwardThresholdMs,
          cooldownSeconds: latencyAlert.cooldownSeconds,
          intervalSeconds: latencyAlert.intervalSeconds,
        }
      : null,
    mqtt: mqttPlan(config),
    notices: notices(config, facts, live, ladders?.hasLadder === true),
  };
}

/** So that neither a long segment nor a slow upload warns. */
const usualThreshold = (live: LiveHlsPlan): number => (2 * live.delaySeconds + 5) * 1000;

export type MqttPlan = NonNullable<DeliveryPlanData['mqtt']>;

/** What is published to the app's broker, and how; null = nothing. */
export function mqttPlan({ mqtt }: AppConfig): MqttPlan | null {
  if (!mqtt.enabled || mqtt.url === '') return null;
  const { url, username, topicPrefix, qos, tls, events, logs } = mqtt;
  return { url, username, topicPrefix, qos, tls, events, logLevel: logs.enabled ? logs.level : null };
}

function recording(config: AppConfig, facts: DeliveryFacts, ladder: readonly Rung[], segmentSeconds: number) {
  const { recording: wish } = config;
  const top = wish.height === undefined ? (ladder[0] as Rung) : rungOf(wish.height);
  return {
    isAutomatic: wish.auto,
    mode: wish.mode,
    layout: wish.layout,
    format: wish.format ?? 'mp4',
    video: {
      ...top,
      bitrateKbps: wish.bitrateKbps ?? top.bitrateKbps,
      audioKbps: wish.audioKbps ?? top.audioKbps,
      framerate: wish.fps ?? FRAMERATE,
      keyframeSeconds: wish.keyframeSeconds ?? KEYFRAME_SECONDS,
    },
    splitSeconds: wish.splitMinutes * 60,
    snapshotSeconds: wish.snapshotSeconds,
    segmentSeconds,
    localDir: wish.localDir,
    storage: facts.storage,
    removesLocal: facts.storage === 'moved' && wish.deleteLocalAfterUpload,
  } satisfies RecordingPlan;
}

function vod(config: AppConfig, facts: DeliveryFacts, ladder: readonly Rung[], segmentSeconds: number): VodPlan | null {
  const { recording: record, transcoding } = config;
  const isByEgress = transcoding.vodAdaptive && transcoding.ladderOn === 'egress' && facts.storage !== 'moved';
  const hasLadder = transcoding.vodAdaptive && (isByEgress || facts.hasFfmpeg);
  const hasVp8 = transcoding.encoding === 'h264+vp8' && facts.hasFfmpeg;
  if (!record.enabled || !transcoding.enabled || !(hasLadder || hasVp8)) return null;
  const rungs = hasLadder ? ladder.slice(0, MAX_RUNGS) : [];
  return {
    rungs,
    hasLadder,
    by: isByEgress ? 'egress' : 'daemon',
    hasVp8,
    segmentSeconds,
    encoder: facts.hwaccel.effective === 'gpu' ? facts.hwaccel.type : 'none',
    egressCpus: isByEgress ? rungs.length * EGRESS_CPUS[record.mode] : 0,
  };
}

/** What players open first, and where recordings are open to them: at the CDN or the bucket; empty = only signed links. */
export function playbackPlan({
  distribution: { mode, cdn },
  s3,
}: Pick<AppConfig, 'distribution' | 's3'>): DeliveryPlanData['playback'] {
  const isCdn = mode === 'cdn';
  return { first: isCdn ? 'hls' : 'webrtc', vodBaseUrl: (isCdn ? cdn.vodBaseUrl : '') || s3.publicUrl };
}

function liveHls(
  config: AppConfig,
  facts: DeliveryFacts,
  ladder: readonly Rung[],
  segmentSeconds: number,
): LiveHlsPlan | null {
  const { distribution, hls, transcoding, s3 } = config;
  if (distribution.mode !== 'cdn') return null;
  // without transcoding there is still one encoder: HLS cannot be had from WebRTC otherwise
  const rungs = transcoding.enabled ? [...ladder] : ladder.slice(0, 1);
  const listSize = hls.listSize ?? EGRESS_LIST_SIZE;
  const storage = facts.storage === 'bucket' ? 'bucket' : 'folder';
  return {
    isAutomatic: hls.auto,
    rungs,
    framerate: FRAMERATE,
    segmentSeconds,
    listSize,
    ownPlaylist: listSize !== EGRESS_LIST_SIZE,
    storage,
    // a CDN can fetch from a bucket only
    baseUrl: storage === 'bucket' ? distribution.cdn.baseUrl || s3.publicUrl : '',
    provider: distribution.cdn.provider,
    // players stay three segments behind the newest (HLS, RFC 8216 section 6.3.3)
    delaySeconds: Math.min(3, listSize) * segmentSeconds,
    egressCpus: rungs.length * EGRESS_CPUS.participant,
  };
}

/** A publisher sends three layers at most. */
const QUALITIES = ['high', 'medium', 'low'] as const;

/** The best of the configured qualities, highest first; one without simulcast. */
function topRungs({ webrtc }: AppConfig, count: number): Rung[] {
  const heights = [...new Set(webrtc.layers.map(({ height }) => height))].sort((a, b) => b - a);
  return heights.slice(0, webrtc.adaptive ? count : 1).map((height) => rungOf(height));
}

const publishLayers = (config: AppConfig): PublishLayer[] =>
  topRungs(config, QUALITIES.length).map(({ width, height, bitrateKbps }) => ({
    width,
    height,
    bitrateKbps,
    framerate: FRAMERATE,
  }));

function ingestEncoding(config: AppConfig, hasLadder: boolean): IngestEncoding {
  const rungs = topRungs(config, hasLadder ? QUALITIES.length : 1);
  return {
    layers: rungs.map(({ width, height, bitrateKbps }, index) => ({
      quality: QUALITIES[index] as IngestLayer['quality'],
      width,
      height,
      bitrateKbps,
    })),
    framerate: FRAMERATE,
    audioKbps: (rungs[0] as Rung).audioKbps,
  };
}

function notices(
  config: AppConfig,
  facts: DeliveryFacts,
  live: LiveHlsPlan | null,
  hasLadder: boolean,
): DeliveryNotice[] {
  const { rtmp, transcoding, distribution, s3, latencyAlert } = config;
  const found: DeliveryNotice[] = [];
  if (rtmp.enabled && !(rtmp.transcode && transcoding.enabled))
    found.push({
      code: 'ALWAYS_ENCODED',
      key: 'rtmp.transcode',
      message: 'LiveKit always encodes RTMP again; without transcoding it makes one quality only.',
    });
  if (!transcoding.enabled && transcoding.vodAdaptive)
    found.push({
      code: 'NO_LADDER_WITHOUT_TRANSCODING',
      key: 'transcoding.vod_adaptive',
      message: 'Recordings get no adaptive ladder while transcoding.enabled is false.',
    });
  const isByEgress = transcoding.ladderOn === 'egress' && facts.storage !== 'moved';
  if (transcoding.enabled && transcoding.vodAdaptive && transcoding.ladderOn === 'egress' && !isByEgress)
    found.push({
      code: 'LADDER_NOT_ON_EGRESS',
      key: 'transcoding.ladder_on',
      message: 'The daemon makes the ladders: LiveKit’s egress service can’t write to this storage.',
    });
  const needsFfmpeg = (transcoding.vodAdaptive && !isByEgress) || transcoding.encoding === 'h264+vp8';
  if (transcoding.enabled && needsFfmpeg && !facts.hasFfmpeg)
    found.push({
      code: 'NO_FFMPEG',
      key: 'transcoding.vod_adaptive',
      message: 'Recordings stay as LiveKit wrote them: ffmpeg is not installed on the daemon’s machine.',
    });
  if (live !== null && facts.storage !== 'bucket')
    found.push({
      code: 'LIVE_NEEDS_BUCKET',
      key: 'distribution.mode',
      message: 'Live HLS is served by the daemon itself: a CDN can only fetch from a bucket, and the app has none.',
    });
  else if (live !== null && distribution.cdn.baseUrl === '' && s3.publicUrl === '')
    found.push({
      code: 'NO_CDN_ADDRESS',
      key: 'distribution.cdn.base_url',
      message: 'Viewers get live HLS from the daemon: distribution.cdn.base_url and s3.public_url are empty.',
    });
  const readsBucket =
    (live !== null && live.storage === 'bucket' && live.baseUrl === '') ||
    (hasLadder && facts.storage !== 'folder' && playbackPlan(config).vodBaseUrl === '');
  if (readsBucket && facts.refusesPages)
    found.push({
      code: 'BUCKET_REFUSES_PAGES',
      key: 's3.bucket',
      message:
        'Browsers can’t play HLS from the bucket: no CORS rule lets pages read it. Test the storage, then choose “Allow pages”.',
    });
  const { enabled, thresholdMs } = latencyAlert;
  if (live !== null && enabled && thresholdMs !== undefined && thresholdMs <= live.delaySeconds * 1000)
    found.push({
      code: 'LATENCY_ALWAYS_HIGH',
      key: 'latency_alert.threshold_ms',
      message: `Live HLS is about ${live.delaySeconds} s behind, so a threshold of ${thresholdMs} ms always warns.`,
    });
  return found;
}
