import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { DOWNLOAD_LINK_SECONDS, PLAYBACK_LINK_SECONDS } from '#daemon/apps/storage/keys.ts';
import { ELSEWHERE_PROVIDER, LOCAL_PLACE } from '#daemon/apps/storage/location.ts';
import type { LinkRequest, ObjectLinks } from '#daemon/apps/storage/object-links.ts';
import { isPlaylistKey } from '#daemon/apps/storage/playlist-text.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { Log } from '#daemon/platform/log.ts';
import { ApiError } from '#shared/errors.ts';
import type { Job } from '#shared/schema/jobs.ts';
import type { VodDetail, VodQuery, VodRow, VodVariant } from '#shared/schema/vods.ts';
import type { MediaStore } from '../media-store.ts';
import { isUnderWay, moveRepository } from '../moving/repository.ts';
import { livekitMemory } from '../streams/repository.ts';
import type { EgressLadders } from '../transcoding/egress-ladders.ts';
import { type TranscodingRecord, transcodingRepository } from '../transcoding/repository.ts';
import { UPLOADING_FORMAT } from '../transcoding/rows.ts';
import { type VodRecord, type VodVariantRecord, vodRepository } from './repository.ts';
import { fileOf, isLadder, isLocal } from './vod-file.ts';
import { isOpen, LEFTOVER_FORMAT, SNAPSHOT_FORMAT, tellReady } from './vod-lifecycle.ts';

export interface VodServiceDeps {
  mediaStore: MediaStore;
  databases: AppDatabases;
  bus: EventBus;
  apps: { require(name: string): AppEntry; dir(name: string): string };
  storage: {
    links(app: string, requests: readonly LinkRequest[]): Promise<ObjectLinks[]>;
    deleteVodObjects(app: string, vodId: number, leaveObjects: boolean): Promise<{ deleted: number }>;
  };
  jobs: { find(id: number): Job | undefined };
  moving: { end(app: string, vodId: number): Promise<void> };
  egressLadders: Pick<EgressLadders, 'settle' | 'remove'>;
  transcoding: {
    end(app: string, vodId: number): Promise<void>;
    request(app: AppEntry, vod: VodRecord): Promise<number>;
  };
  log: Log<'warn'>;
}

/** Variants that only name objects. */
const UNSEEN_FORMATS: readonly (string | null)[] = [SNAPSHOT_FORMAT, UPLOADING_FORMAT, LEFTOVER_FORMAT];
const NO_LINKS: ObjectLinks = { publicUrl: null, presignedUrl: null, problem: null };

/** The VODs of an app: rows, links, deletion. */
export class VodService {
  readonly #deps: VodServiceDeps;

  constructor(deps: VodServiceDeps) {
    this.#deps = deps;
  }

  async list(app: string, query: VodQuery) {
    this.#deps.apps.require(app);
    const { limit = 100, offset = 0, ...filter } = query;
    const { rows, total } = vodRepository(this.#deps.databases.get(app)).page(filter, { limit, offset });
    const ready = rows.filter(isPlayable);
    const links = await this.#links(app, ready, PLAYBACK_LINK_SECONDS);
    const byId = new Map(ready.map((vod, index) => [vod.id, links[index] ?? NO_LINKS]));
    const data = rows.map((vod) => ({
      ...toRow(vod, byId.get(vod.id) ?? NO_LINKS),
      ...this.#transcoding(app, vod),
    }));
    return { data, total, limit, offset };
  }

  /** A row without links, for answers to changes. */
  row(vod: VodRecord): VodRow {
    return { ...toRow(vod, NO_LINKS), transcoding: null };
  }

  /** Begins to make a ladder of a VOD. @throws ApiError VOD_NOT_FOUND, VOD_NOT_TRANSCODABLE, APP_BUSY */
  async transcode(name: string, id: number): Promise<Job> {
    const vod = this.find(name, id);
    const { jobs, transcoding, apps } = this.#deps;
    return jobs.find(await transcoding.request(apps.require(name), vod)) as Job;
  }

  /** What becomes of a ladder, from its row and its job. */
  #transcoding(app: string, { id, note }: VodRecord): Pick<VodRow, 'transcoding' | 'note'> {
    const record = transcodingRepository(this.#deps.databases.get(app)).get(id);
    if (record === undefined) return { transcoding: null, note };
    const { state, problem } = record;
    const notes = [note, state === 'failed' ? problem : null].filter((text) => text !== null);
    return { transcoding: this.#stateOf(record), note: notes.length === 0 ? null : notes.join(' ') };
  }

  #stateOf({ state, job_id: jobId, problem }: TranscodingRecord): VodRow['transcoding'] {
    if (state !== 'pending' && state !== 'queued') return { state, jobId, problem };
    const job = jobId === null ? undefined : this.#deps.jobs.find(jobId);
    const active = job?.state === 'running' || job?.state === 'waiting' ? job.state : 'queued';
    return { state: active, jobId, problem: job?.error?.message ?? null };
  }

  async get(app: string, id: number): Promise<VodDetail> {
    const vod = this.find(app, id);
    const variants = vodRepository(this.#deps.databases.get(app))
      .variants(id)
      .filter(({ format }) => !UNSEEN_FORMATS.includes(format));
    const transcoding = this.#transcoding(app, vod);
    if (!isPlayable(vod)) {
      const bare = variants.map((variant) => toVariant(variant, null));
      const noLinks = { hlsUrl: null, presignedUrl: null, downloadUrl: null };
      return { ...toRow(vod, NO_LINKS), ...transcoding, ...noLinks, variants: bare };
    }
    const named = variants.filter((variant) => variant.file_key !== null);
    const key = keyOf(vod, () => variants);
    const links = await this.#linksOf(app, [
      ...named.map((variant) => linkOf(vod, variant.file_key as string, PLAYBACK_LINK_SECONDS)),
      ...(key === null ? [] : [linkOf(vod, key, PLAYBACK_LINK_SECONDS)]),
      ...(key === null ? [] : [{ ...linkOf(vod, key, DOWNLOAD_LINK_SECONDS), downloadName: vod.name }]),
    ]);
    const [play = NO_LINKS, download = NO_LINKS] = links.slice(named.length);
    const urlOf = new Map(
      named.map(({ id: variant }, index) => {
        const { publicUrl, presignedUrl } = links[index] ?? NO_LINKS;
        return [variant, publicUrl ?? presignedUrl];
      }),
    );
    const masters = variants.filter(({ kind }) => kind === 'master');
    const hls = masters.find(isLadder) ?? masters[0];
    return {
      ...toRow(vod, play),
      ...transcoding,
      hlsUrl: hls === undefined ? null : (urlOf.get(hls.id) ?? null),
      presignedUrl: play.presignedUrl,
      // a playlist alone isn't worth saving
      downloadUrl: key !== null && isPlaylistKey(key) ? null : download.presignedUrl,
      variants: variants.map((variant) => toVariant(variant, urlOf.get(variant.id) ?? null)),
    };
  }

  /** @throws ApiError VOD_NOT_FOUND */
  find(app: string, id: number): VodRecord {
    this.#deps.apps.require(app);
    const vod = vodRepository(this.#deps.databases.get(app)).get(id);
    if (vod === undefined) throw new ApiError('VOD_NOT_FOUND', { id });
    return vod;
  }

  /**
   * The objects first; while the storage keeps one of them, the row stays.
   * @param leaveObjects forgets the row and leaves its objects in the storage, e.g. because the bucket is gone for good
   */
  async remove(name: string, id: number, actor: Actor, leaveObjects = false): Promise<void> {
    const app = this.#deps.apps.require(name);
    const vod = this.find(name, id);
    const isMoving = isUnderWay(moveRepository(this.#deps.databases.get(name)).get(id));
    if (isOpen(vod) && !isMoving) throw new ApiError('VOD_IN_PROGRESS');
    if (app.deleting) throw new ApiError('APP_BUSY', { name });
    await this.#deps.transcoding.end(name, id);
    await this.#deps.moving.end(name, id);
    await this.#endEncoders(app, vod, leaveObjects);
    try {
      await this.#deps.storage.deleteVodObjects(name, id, leaveObjects);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status < 500) throw error;
      this.#deps.log.warn({ app: name, vod: id, ...error.extra }, error.message);
      if (error.code === 'VOD_OBJECTS_KEPT') throw error;
      const more = error.extra === undefined ? {} : { extra: error.extra };
      throw new ApiError('VOD_OBJECTS_KEPT', { reason: error.message }, { ...more, cause: error });
    }
    await this.#deps.mediaStore.change(app, ({ db, now, note }) => {
      note(tellReady(db, id));
      // LiveKit remembers the recording for a day: it must not come back from there
      if (vod.egress_id !== null) livekitMemory(db).setGone(vod.egress_id, now);
      vodRepository(db).remove(id);
    });
    this.#deps.bus.publish({
      type: 'vod.deleted',
      app: name,
      tenant: app.tenantId,
      actor,
      data: {
        id,
        room: vod.room,
        name: vod.name,
        ...(isElsewhere(vod) && vod.s3_url !== null ? { left: vod.s3_url } : {}),
        ...(leaveObjects ? { objectsLeft: true } : {}),
      },
    });
  }

  /** What egress workers write for its ladder has no rows before the ladder is complete. */
  async #endEncoders(app: AppEntry, vod: VodRecord, leaveObjects: boolean): Promise<void> {
    const { egressLadders } = this.#deps;
    if ((await egressLadders.settle(app, vod.id)).length === 0 || leaveObjects) return;
    const reason = await egressLadders.remove(app, vod);
    if (reason !== undefined) throw new ApiError('VOD_OBJECTS_KEPT', { reason });
  }

  /** A provider that hangs must not hide the rows: then there are no links. */
  async #linksOf(app: string, requests: readonly LinkRequest[]): Promise<ObjectLinks[]> {
    try {
      return await this.#deps.storage.links(app, requests);
    } catch (err) {
      this.#deps.log.warn({ app, err }, 'links to recordings could not be made');
      return [];
    }
  }

  async #links(app: string, vods: readonly VodRecord[], expiresIn: number): Promise<ObjectLinks[]> {
    if (vods.length === 0) return [];
    const repository = vodRepository(this.#deps.databases.get(app));
    const keys = vods.map((vod) => keyOf(vod, () => repository.variants(vod.id)));
    const links = await this.#linksOf(
      app,
      vods.map((vod, index) => linkOf(vod, keys[index] ?? '', expiresIn)),
    );
    return vods.map((_, index) => (keys[index] === null ? NO_LINKS : (links[index] ?? NO_LINKS)));
  }
}

/** Empty where only its address is known. */
const keyOf = (vod: VodRecord, variants: () => readonly VodVariantRecord[]): string | null =>
  fileOf(vod, variants) ?? (isElsewhere(vod) ? '' : null);

const isElsewhere = (vod: VodRecord): boolean => vod.storage_provider === ELSEWHERE_PROVIDER;

const isPlayable = (vod: VodRecord): boolean =>
  vod.status === 'ready' && (vod.storage_bucket !== null || vod.file_key !== null || isElsewhere(vod) || isLocal(vod));

const linkOf = (vod: VodRecord, key: string, expiresIn: number): LinkRequest => ({
  key,
  place: isLocal(vod) ? LOCAL_PLACE : vod,
  expiresIn,
  isPlaylist: isPlaylistKey(key),
});

function toVariant(variant: VodVariantRecord, url: string | null): VodVariant {
  return {
    id: variant.id,
    kind: variant.kind,
    format: variant.format,
    height: variant.height,
    bitrateKbps: variant.bitrate_kbps,
    fileKey: variant.file_key,
    sizeBytes: variant.size_bytes,
    url,
  };
}

function toRow(vod: VodRecord, links: ObjectLinks): Omit<VodRow, 'transcoding'> {
  return {
    id: vod.id,
    appId: vod.app_id,
    streamId: vod.stream_id,
    room: vod.room,
    name: vod.name,
    fileKey: vod.file_key,
    s3Url: vod.s3_url,
    publicUrl: links.publicUrl,
    sizeBytes: vod.size_bytes,
    ladderBytes: vod.ladder_bytes,
    durationS: vod.duration_s,
    width: vod.width,
    height: vod.height,
    videoCodec: vod.video_codec,
    audioCodec: vod.audio_codec,
    frameRate: vod.frame_rate,
    measuredAt: vod.measured_at,
    format: vod.format,
    status: vod.status,
    localPath: vod.local_path,
    startedAt: vod.started_at,
    endedAt: vod.ended_at,
    metatagsJson: vod.metatags_json,
    snapshotKey: vod.snapshot_key,
    egressId: vod.egress_id,
    sessionId: vod.session_id,
    part: vod.part,
    error: vod.error,
    note: vod.note,
    storageProvider: vod.storage_provider,
    storageBucket: vod.storage_bucket,
    url: links.publicUrl ?? links.presignedUrl,
    linkState: vod.status === 'ready' ? linkStateOf(links) : null,
    urlProblem: links.publicUrl === null && links.presignedUrl === null ? links.problem : null,
  };
}

function linkStateOf({ publicUrl, presignedUrl, isRefused }: ObjectLinks): NonNullable<VodRow['linkState']> {
  if (publicUrl !== null) return 'public';
  if (presignedUrl !== null) return 'signed';
  return isRefused ? 'refused' : 'none';
}
