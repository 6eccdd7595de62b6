import type { Rung } from './ladder.ts';
import { type DeliveryPlan, EGRESS_CPUS } from './plan.ts';

const megabits = (kbps: number): string => `${(kbps / 1000).toFixed(kbps % 1000 === 0 ? 0 : 1)} Mbit/s`;
const lines = (rungs: readonly Rung[]): string => rungs.map(({ height }) => `${height}p`).join(', ');
const times = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
const hostOf = (url: string): string => URL.parse(url)?.host ?? url;

/** The plan in sentences, for people: what happens to a stream, and what it needs. */
export function deliveryWords(plan: DeliveryPlan): string[] {
  return [
    publishing(plan),
    ...ingests(plan),
    recording(plan),
    ...afterwards(plan),
    ...openRecordings(plan),
    watching(plan),
    ...live(plan),
    ...others(plan),
  ];
}

function publishing({ publish, room }: DeliveryPlan): string {
  const heights = publish.layers.map(({ height }) => `${height}p`).join(', ');
  const delay = room.playoutDelayMs === null ? '' : ` Players wait ${room.playoutDelayMs} ms to smooth playback.`;
  return publish.simulcast
    ? `Browsers publish ${times(publish.layers.length, 'quality', 'qualities')} (${heights}).${delay}`
    : `Browsers publish one quality (${heights}).${delay}`;
}

function ingests({ ingest: { rtmp, whip } }: DeliveryPlan): string[] {
  const heights = (layers: readonly { height: number }[]) => layers.map(({ height }) => `${height}p`).join(', ');
  return [
    rtmp.isEnabled
      ? `RTMP is encoded again in ${times(rtmp.layers.length, 'quality', 'qualities')} (${heights(rtmp.layers)}).`
      : 'RTMP is refused.',
    whip.isTranscoding
      ? `WHIP is encoded again in ${times(whip.layers.length, 'quality', 'qualities')} (${heights(whip.layers)}).`
      : 'WHIP is passed on as it comes.',
  ];
}

function recording({ recording: plan }: DeliveryPlan): string {
  if (plan === null) return 'Nothing is recorded.';
  const { video } = plan;
  const when = plan.isAutomatic ? 'Each stream is recorded by itself' : 'Recordings are started by hand';
  const what = plan.mode === 'participant' ? 'each publisher' : `the room as one picture (${plan.layout})`;
  const how = `${video.height}p H.264 at ${megabits(video.bitrateKbps)}, ${video.framerate} frames a second`;
  const where = {
    bucket: 'to the bucket',
    folder: 'to the app’s folder',
    moved: `to the app’s folder, then to the storage${plan.removesLocal ? '' : '; the local file stays'}`,
  }[plan.storage];
  const split = plan.splitSeconds > 0 ? `, a new file every ${plan.splitSeconds / 60} minutes` : '';
  const form = plan.format === 'segments' ? `, in segments of ${plan.segmentSeconds} s` : '';
  const pictures = plan.snapshotSeconds > 0 ? `, a picture every ${plan.snapshotSeconds} s` : '';
  return `${when}: ${what}, ${how}${form}, ${where}${split}${pictures}. Each needs ${EGRESS_CPUS[plan.mode]} CPUs of egress.`;
}

function afterwards({ vod }: DeliveryPlan): string[] {
  if (vod === null) return [];
  const { rungs, segmentSeconds, egressCpus } = vod;
  const ladder = `an HLS ladder in ${times(rungs.length, 'quality', 'qualities')} (${lines(rungs)}, segments of ${segmentSeconds} s)`;
  const isByEgress = vod.hasLadder && vod.by === 'egress';
  const processor = vod.encoder === 'none' ? 'the CPU' : `the GPU (${vod.encoder})`;
  const made = [...(vod.hasLadder && !isByEgress ? [ladder] : []), ...(vod.hasVp8 ? ['a WebM file in VP8'] : [])];
  return [
    ...(isByEgress
      ? [
          `While a recording runs, egress workers make ${ladder}. That needs ${rungs.length} × ${egressCpus / rungs.length} CPUs of egress more for each recording.`,
        ]
      : []),
    ...(made.length > 0 ? [`After a recording ffmpeg makes ${made.join(' and ')} on ${processor}.`] : []),
  ];
}

function openRecordings({ recording: plan, playback: { vodBaseUrl } }: DeliveryPlan): string[] {
  if (plan === null || vodBaseUrl === '') return [];
  return [`Anyone with the link can open recordings, at ${hostOf(vodBaseUrl)}.`];
}

function watching({ player, playback }: DeliveryPlan): string {
  const way = playback.first === 'hls' ? 'Viewers watch live HLS' : 'Viewers watch over WebRTC, under a second behind';
  const who = player.isPublic ? 'anyone with the link' : 'only with a token';
  const more = [
    ...(player.viewerCounter ? ['viewer count'] : []),
    ...(player.chat ? ['chat'] : []),
    ...(player.reactions ? ['reactions'] : []),
    ...(player.adaptive ? ['adaptive quality'] : []),
  ];
  return `${way}, ${who}${more.length > 0 ? `, with ${more.join(', ')}` : ''}.`;
}

function live({ live: plan }: DeliveryPlan): string[] {
  if (plan === null) return [];
  const through = plan.baseUrl === '' ? 'from the daemon' : `through ${hostOf(plan.baseUrl)}`;
  const when = plan.isAutomatic ? 'Live HLS' : 'Live HLS, started by hand,';
  return [
    `${when} in ${times(plan.rungs.length, 'quality', 'qualities')} (${lines(plan.rungs)}) ${through}: segments of ${plan.segmentSeconds} s, ${plan.listSize} in the list, about ${plan.delaySeconds} s behind. Each stream needs ${plan.rungs.length} × ${plan.egressCpus / plan.rungs.length} CPUs of egress.`,
  ];
}

function others({ latencyAlert, mqtt }: DeliveryPlan): string[] {
  return [
    ...(latencyAlert === null ? [] : [alert(latencyAlert)]),
    ...(mqtt === null ? [] : [`Events go to ${hostOf(mqtt.url)} below ${mqtt.topicPrefix}.`]),
  ];
}

function alert({ thresholdMs, forwardThresholdMs }: NonNullable<DeliveryPlan['latencyAlert']>): string {
  const live = thresholdMs === null ? '' : `live HLS more than ${thresholdMs / 1000} s behind, or `;
  return `An event reports ${live}a LiveKit node that takes more than ${forwardThresholdMs} ms to pass on a packet.`;
}
