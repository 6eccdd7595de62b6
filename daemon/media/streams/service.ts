import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import { Snapshot } from '#daemon/platform/snapshot.ts';
import { ApiError } from '#shared/errors.ts';
import type { AppStats, StreamHls, StreamQuery, StreamRow } from '#shared/schema/streams.ts';
import { closeSession } from '../ingress/sessions.ts';
import type { LiveKit } from '../livekit/client.ts';
import { toApiError } from '../livekit/errors.ts';
import type { Ingress } from '../livekit/ingress.ts';
import type { MediaStore } from '../media-store.ts';
import { vodRepository } from '../vods/repository.ts';
import { type StreamRecord, streamRepository } from './repository.ts';
import { NOBODY, type RoomDirectory } from './room-directory.ts';
import { closeParticipant, endRow } from './stream-lifecycle.ts';

export interface StreamServiceDeps {
  livekit: LiveKit;
  mediaStore: MediaStore;
  databases: AppDatabases;
  directory: RoomDirectory;
  apps: {
    require(name: string): AppEntry;
    forRoom(room: string): AppEntry | undefined;
    sizes(name: string): Promise<{ dbSizeBytes: number }>;
  };
  /** Log lines of an app by level since an instant. */
  countLogs(app: string, since: Date): Promise<{ error: number; warn: number; info: number }>;
  hls: { view(app: string, streamId: string): StreamHls | null };
}

const DAY_MS = 86_400_000;

/** The streams of an app: current and past publishers. */
export class StreamService {
  readonly #deps: StreamServiceDeps;
  readonly #ingress: Snapshot<Ingress[]>;

  constructor(deps: StreamServiceDeps) {
    this.#deps = deps;
    this.#ingress = new Snapshot({
      load: async () => {
        if (!deps.livekit.isConfigured) return [];
        return deps.livekit.listIngress().catch(() => []);
      },
      freshMs: 2000,
      staleMs: 10_000,
    });
  }

  list(app: string, query: StreamQuery) {
    const { databases, apps } = this.#deps;
    apps.require(app);
    const { status = 'active', room, limit = 100, offset = 0 } = query;
    const { rows, total } = streamRepository(databases.get(app)).page({ status, room }, { limit, offset });
    return { data: rows.map((row) => this.#row(app, row)), total, limit, offset };
  }

  get(app: string, id: string): StreamRow {
    return this.#row(app, this.find(app, id));
  }

  /** @throws ApiError STREAM_NOT_FOUND */
  find(app: string, id: string): StreamRecord {
    this.#deps.apps.require(app);
    const row = streamRepository(this.#deps.databases.get(app)).find(id);
    if (row === undefined) throw new ApiError('STREAM_NOT_FOUND', { id });
    return row;
  }

  /** Removes the publisher from the room (for an ingest: the ingest itself), then ends the row. */
  async end(name: string, id: string): Promise<void> {
    const app = this.#deps.apps.require(name);
    const row = this.find(name, id);
    if (row.status === 'ended') return;
    const identity = row.participant ?? '';
    let ingress: Ingress | undefined;
    try {
      ingress =
        row.type === 'webrtc'
          ? undefined
          : (await this.#deps.livekit.listIngress(row.room)).find((one) => one.participant === identity);
      if (ingress !== undefined) await this.#deps.livekit.deleteIngress(ingress.id);
      else await this.#deps.livekit.removeParticipant(row.room, identity);
    } catch (error) {
      throw toApiError(error);
    }
    if (row.participant_sid !== null) this.#deps.directory.left(row.room, row.participant_sid);
    await this.#deps.mediaStore.change(app, (tx) => {
      if (ingress !== undefined) tx.note(closeSession(tx.db, ingress.id, 'deleted', { at: tx.now, now: tx.now }));
      tx.note(
        row.participant_sid === null
          ? endRow(tx.db, row.id, tx.now)
          : closeParticipant(tx.db, row.participant_sid, tx.now),
      );
    });
  }

  async stats(name: string): Promise<AppStats> {
    const { apps, databases, directory } = this.#deps;
    const app = apps.require(name);
    const now = new Date();
    const [sizes, ingress, events24h] = await Promise.all([
      apps.sizes(name),
      this.#ingress.get(),
      this.#deps.countLogs(name, new Date(now.getTime() - DAY_MS)),
    ]);
    const db = databases.get(name);
    const active = streamRepository(db).active();
    const rooms = [...directory.names()]
      .filter((room) => apps.forRoom(room)?.id === app.id)
      .sort()
      .map((room) => ({
        room,
        streams: active.filter((row) => row.room === room).length,
        viewers: directory.counts(room).viewers,
      }));
    const byStatus: AppStats['vods']['byStatus'] = { recording: 0, uploading: 0, ready: 0, failed: 0 };
    let vodBytes = 0;
    for (const group of vodRepository(db).byStatus()) {
      byStatus[group.status] = group.count;
      vodBytes += group.bytes;
    }
    const own = ingress.filter((one) => apps.forRoom(one.room)?.id === app.id);
    return {
      ts: now.toISOString(),
      app: { name, displayName: app.displayName },
      live: {
        activeStreams: active.length,
        totalViewers: rooms.reduce((sum, room) => sum + room.viewers, 0),
        rooms,
      },
      vods: { count: Object.values(byStatus).reduce((a, b) => a + b, 0), totalBytes: vodBytes, byStatus },
      storage: { appDbBytes: sizes.dbSizeBytes, vodBytes },
      ingress: { total: own.length, active: own.filter((one) => one.isPublishing).length },
      events24h,
    };
  }

  #row(app: string, row: StreamRecord): StreamRow {
    const counts = row.status === 'active' ? this.#deps.directory.counts(row.room) : NOBODY;
    return {
      id: row.id,
      appId: row.app_id,
      streamId: row.stream_id,
      type: row.type,
      room: row.room,
      participant: row.participant,
      status: row.status,
      startedAt: row.started_at,
      endedAt: row.ended_at,
      lastStatsJson: row.last_stats_json,
      ...counts,
      hls: this.#deps.hls.view(app, row.stream_id),
    };
  }
}
