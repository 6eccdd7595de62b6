import { publicUrl } from '#daemon/apps/storage/keys.ts';
import { isUnderPublicUrl } from '#daemon/apps/storage/location.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { playbackPlan } from '#shared/delivery/plan.ts';
import { type CallbackEventName, LIVEKIT_CALLBACK_EVENTS } from '#shared/schema/callbacks.ts';
import type { EventData } from '#shared/schema/event-payloads.ts';
import type { IngressChange } from '../ingress/sessions.ts';
import type { HlsChange } from '../live-hls/lifecycle.ts';
import { masterKey, planOf } from '../live-hls/repository.ts';
import type { LiveKitEvent } from '../livekit/event.ts';
import type { StreamRecord } from '../streams/repository.ts';
import type { VodRecord } from '../vods/repository.ts';

const INPUTS = { rtmp: 'RTMP_INPUT', whip: 'WHIP_INPUT', rtsp: 'URL_INPUT' } as const;

/** Do receivers get this event as LiveKit sent it? Events of ingests follow from sessions, because LiveKit doesn't send all of them. */
export function isPassedOn(name: string): name is CallbackEventName {
  return !name.startsWith('ingress_') && (LIVEKIT_CALLBACK_EVENTS as readonly string[]).includes(name);
}

/** The part of a LiveKit event that is passed on. */
export function livekitPayload(event: LiveKitEvent): Record<string, unknown> {
  const { person, track, egress } = event;
  return {
    ...(event.room ? { room: event.room.name } : {}),
    ...(person
      ? { participant: { identity: person.identity, name: person.name, sid: person.sid, hidden: person.isHidden } }
      : {}),
    ...(track ? { track: { sid: track.sid, type: track.type, source: track.source, muted: track.isMuted } } : {}),
    ...(egress ? { egress: { egressId: egress.id, status: egress.status, roomName: egress.room } } : {}),
    eventId: event.id,
    createdAt: new Date(event.at).toISOString(),
  };
}

/** As LiveKit reports it, with the session and why it ended. The event's id is absent if LiveKit sends no event. */
export function ingressPayload({ ingest, reason, error, eventId, at }: IngressChange): Record<string, unknown> {
  return {
    room: ingest.room,
    ingress: {
      ingressId: ingest.ingress_id,
      inputType: INPUTS[ingest.type],
      roomName: ingest.room,
      participantIdentity: ingest.participant,
      resourceId: ingest.resource_id,
    },
    ...(reason === null ? {} : { reason }),
    ...(error === null ? {} : { error }),
    ...(eventId === null ? {} : { eventId }),
    createdAt: new Date(at).toISOString(),
  };
}

/** The same for readers of the daemon's own events. */
export function ingressEvent({ ingest, reason, error }: IngressChange): EventData<'ingress.started'> {
  return {
    id: ingest.ingress_id,
    type: ingest.type,
    room: ingest.room,
    participant: ingest.participant,
    transcode: ingest.is_transcoding === 1,
    ...(reason === null ? {} : { reason }),
    ...(error === null ? {} : { error }),
  };
}

export function streamPayload(stream: StreamRecord): EventData<'stream.started'> {
  return {
    id: stream.id,
    streamId: stream.stream_id,
    type: stream.type,
    room: stream.room,
    participant: stream.participant,
    startedAt: stream.started_at,
    endedAt: stream.ended_at,
  };
}

/** A stream with its live HLS. Without a public address there is no link that lasts, and receivers ask the API. */
export function hlsPayload({ stream, hls }: HlsChange): EventData<'stream.hls_started'> {
  const { baseUrl, rungs } = planOf(hls);
  const url = baseUrl === '' ? null : publicUrl(baseUrl, masterKey(hls));
  return {
    ...streamPayload(stream),
    hls: {
      state: hls.state,
      url,
      heights: rungs.map(({ height }) => height),
      startedAt: hls.started_at,
      endedAt: hls.ended_at,
      ...(hls.error === null ? {} : { error: hls.error }),
    },
  };
}

/**
 * Without a public URL there is no link that lasts, and receivers ask the API.
 * @param playlist key of the ladder's master playlist; null = there is none
 */
export function vodPayload(vod: VodRecord, config: AppConfig, playlist?: string | null): EventData<'vod.ready'> {
  const { vodBaseUrl: base } = playbackPlan(config);
  const isOpen = vod.status === 'ready' && base !== '' && isUnderPublicUrl(vod, config.s3);
  const open = (key: string | null) => (isOpen && key !== null ? publicUrl(base, key) : null);
  return {
    id: vod.id,
    room: vod.room,
    streamId: vod.stream_id,
    participant: vod.identity,
    name: vod.name,
    status: vod.status,
    fileKey: vod.file_key,
    provider: vod.storage_provider,
    url: open(vod.file_key),
    bytes: vod.size_bytes,
    seconds: vod.duration_s,
    sessionId: vod.session_id,
    part: vod.part,
    startedAt: vod.started_at,
    endedAt: vod.ended_at,
    ...(vod.error === null ? {} : { error: vod.error }),
    ...(playlist ? { hls: { fileKey: playlist, url: open(playlist) } } : {}),
    ...(vod.snapshot_count > 0 ? { snapshots: { count: vod.snapshot_count, prefix: vod.snapshot_prefix } } : {}),
  };
}
