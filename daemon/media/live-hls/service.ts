import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { publicUrl, trimSlashes } from '#daemon/apps/storage/keys.ts';
import { LOCAL_PLACE, placeOf, type RecordedPlace, recordedPlace } from '#daemon/apps/storage/location.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { rungsWithin } from '#shared/delivery/ladder.ts';
import { type DeliveryPlan, EGRESS_CPUS, type LiveHlsPlan } from '#shared/delivery/plan.ts';
import { ApiError } from '#shared/errors.ts';
import type { StreamHls } from '#shared/schema/streams.ts';
import type { LiveKit } from '../livekit/client.ts';
import { isAtWork } from '../livekit/encoder-state.ts';
import { toApiError } from '../livekit/errors.ts';
import type { RowChange } from '../media-store.ts';
import { type StreamRecord, streamRepository } from '../streams/repository.ts';
import { applyEncoder, endHls } from './lifecycle.ts';
import { EncoderOrders, type EncoderOrdersDeps, type Refusal, STORAGE_CHANGED } from './order.ts';
import { type HlsRecord, hlsRepository, isOpen, masterKey, planOf } from './repository.ts';
import { LiveHlsRun, type LiveHlsRunDeps } from './run.ts';

/** How long a link of the daemon to a live stream works, in seconds. */
const LINK_SECONDS = 86_400;
/** Before a deletion, for the last segments. */
const FINISH_MS = 10_000;
const LOOK_MS = 500;

export interface LiveHlsDeps extends Omit<LiveHlsRunDeps, 'orders' | 'storage' | 'apps' | 'livekit'> {
  livekit: LiveKit;
  apps: EncoderOrdersDeps['apps'] & { require(name: string): AppEntry; get(name: string): AppEntry | undefined };
  config: { get(app: string): Promise<AppConfig> };
  delivery: { plan(app: string): Promise<DeliveryPlan> };
  storage: LiveHlsRunDeps['storage'] &
    EncoderOrdersDeps['storage'] & {
      usesRole(app: string, block: AppConfig['s3']): boolean;
      playlists: { link(app: string, playlist: { key: string; place: RecordedPlace }, expiresIn: number): string };
    };
  findStream(app: string, id: string): StreamRecord;
}

/** Live HLS of streams: starts and ends it, on request and automatically. */
export class LiveHlsService {
  readonly #deps: LiveHlsDeps;
  readonly #orders: EncoderOrders;
  readonly #runs = new Map<string, LiveHlsRun>();
  /** Streams whose run is being begun. */
  readonly #beginning = new Map<string, Promise<Refusal | undefined>>();
  #isStopped = false;

  constructor(deps: LiveHlsDeps) {
    this.#deps = deps;
    this.#orders = new EncoderOrders(deps);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#runs.values()].map((run) => run.stop()));
  }

  /**
   * Begins live HLS of a stream. One that runs is left as it is.
   * @throws ApiError as the contract names them
   */
  async start(name: string, id: string): Promise<StreamRecord> {
    const app = this.#deps.apps.require(name);
    if (app.deleting) throw new ApiError('APP_BUSY', { name });
    const stream = this.#deps.findStream(name, id);
    const plan = (await this.#deps.delivery.plan(name)).live;
    if (plan === null) throw new ApiError('LIVE_HLS_OFF');
    if (!this.#deps.livekit.isConfigured) throw new ApiError('LIVEKIT_NOT_CONFIGURED');
    if (stream.status !== 'active') {
      throw new ApiError('STREAM_NOT_FOUND', { id }, { message: `The app has no live stream ${id}.` });
    }
    if (this.#openRun(name, stream) !== undefined) return stream;
    let refusal: Refusal | undefined;
    try {
      refusal = await this.#begin(app, stream, plan, false);
    } catch (error) {
      throw toApiError(error);
    }
    if (refusal === undefined) return stream;
    const { reason, hint, extra } = refusal;
    const run = this.#openRun(name, stream);
    // some qualities may be there
    if (run !== undefined && hlsRepository(this.#db(name)).encoders(run.id).some(isAtWork)) return stream;
    if (run !== undefined) await this.#end(app, run, reason);
    throw new ApiError(
      'LIVE_HLS_NOT_TAKEN',
      { room: stream.room, reason: `${reason}.` },
      { ...(hint === undefined ? {} : { hint }), ...(extra === undefined ? {} : { extra }) },
    );
  }

  /** Ends live HLS of a stream; one that has ended is left as it is. It doesn't begin by itself again. */
  async end(name: string, id: string): Promise<StreamRecord> {
    const app = this.#deps.apps.require(name);
    const stream = this.#deps.findStream(name, id);
    // the request that started it answers with the error
    await this.#beginning.get(keyOf(app, stream))?.catch(() => undefined);
    const run = this.#openRun(name, stream);
    if (run === undefined) return stream;
    await this.#deps.mediaStore.change(app, ({ db }) => {
      hlsRepository(db).update(run.id, { is_stopped: 1 });
    });
    await this.#end(app, run, null);
    return stream;
  }

  /** Called when rows change: follows the start and end of streams. Never throws. */
  async follow(app: AppEntry, changes: readonly RowChange[]): Promise<void> {
    for (const change of changes) {
      if (!('stream' in change)) continue;
      const { kind, stream } = change;
      if (kind === 'stream_started') await this.#beginByItself(app, stream);
      else if (kind === 'hls_ended' && change.hls.error === STORAGE_CHANGED) await this.#beginByItself(app, stream);
      else if (kind === 'stream_ended') {
        const run = this.#openRun(app.name, stream);
        if (run !== undefined) await this.#end(app, run, null);
      }
    }
  }

  /** A stream with sound only now has a picture. */
  async pictureCame(app: AppEntry, room: string, identity: string): Promise<void> {
    const streams = streamRepository(this.#db(app.name)).activeIn(room);
    const stream = streams.find(({ participant }) => participant === identity);
    if (stream !== undefined) await this.#beginByItself(app, stream);
  }

  /** A recorder has left its room: at its end, or because its service is gone. */
  recorderLeft(app: AppEntry, egressId: string): void {
    const encoder = hlsRepository(this.#db(app.name)).encoderByEgress(egressId);
    if (encoder !== undefined) this.#runs.get(`${app.name} ${encoder.hls_id}`)?.recorderLeft(egressId);
  }

  /** After a start of the daemon: takes over what runs, cleans up what ended, and starts what was missed. */
  async resume(app: AppEntry): Promise<void> {
    for (const hls of hlsRepository(this.#db(app.name)).left()) this.#follow(app, hls);
    for (const stream of streamRepository(this.#db(app.name)).active()) {
      if (this.#openRun(app.name, stream) === undefined) {
        this.#deps.background.run('live HLS after a start', () => this.#beginByItself(app, stream));
      }
    }
  }

  /** Ends all of an app that is deleted. Never throws, because LiveKit may be gone. Its objects go with the app's. */
  async endAll(name: string): Promise<void> {
    const app = this.#deps.apps.require(name);
    const runs = () => hlsRepository(this.#db(name));
    try {
      const open = runs().left();
      for (const hls of open) if (isOpen(hls)) await this.#end(app, hls, null);
      // events of an app that is deleted are not taken in, so LiveKit is asked
      for (let left = FINISH_MS; left > 0; left -= LOOK_MS) {
        const atWork = open.flatMap(({ id }) => runs().encoders(id).filter(isAtWork));
        if (atWork.length === 0) break;
        for (const { egress_id } of atWork) await this.#look(app, egress_id);
        await pause(LOOK_MS);
      }
      for (const { id } of open) await this.#runs.get(`${name} ${id}`)?.stop();
    } catch (err) {
      this.#deps.log.warn({ app: name, err }, 'live HLS could not be ended before the deletion');
    }
  }

  /** Delay of a stream's live HLS in milliseconds; null = none, or not known yet. */
  delayMs(app: string, streamId: string): number | null {
    const hls = hlsRepository(this.#db(app)).newestOf(streamId);
    if (hls?.state !== 'live') return null;
    const media = this.#runs.get(`${app} ${hls.id}`)?.delayMs() ?? null;
    const { listSize, segmentSeconds } = planOf(hls);
    // players stay three segments behind the newest (RFC 8216, section 6.3.3)
    return media === null ? null : media + Math.min(3, listSize) * segmentSeconds * 1000;
  }

  /** The streams that run now and whose delay is known. */
  measured(): { app: string; streamId: string; room: string; delayMs: number }[] {
    return [...this.#runs.keys()].flatMap((key) => {
      const [app = '', id] = key.split(' ');
      const hls = this.#deps.apps.get(app) === undefined ? undefined : hlsRepository(this.#db(app)).get(Number(id));
      const delayMs = hls === undefined ? null : this.delayMs(app, hls.stream_id);
      return hls === undefined || delayMs === null ? [] : [{ app, streamId: hls.stream_id, room: hls.room, delayMs }];
    });
  }

  /** What runs now: of each app the largest delay. */
  delays(): { app: string; delayMs: number }[] {
    const byApp = new Map<string, number>();
    for (const { app, delayMs } of this.measured()) byApp.set(app, Math.max(delayMs, byApp.get(app) ?? 0));
    return [...byApp].map(([app, delayMs]) => ({ app, delayMs }));
  }

  /** The master playlist of what is live in a room; null = there is none now. */
  playlistOf(app: string, room: string): string | null {
    for (const { stream_id } of streamRepository(this.#db(app)).activeIn(room)) {
      const url = this.view(app, stream_id)?.url;
      if (url) return url;
    }
    return null;
  }

  /** Can the live HLS of a room be watched now? */
  isLive(app: string, room: string): boolean {
    const active = streamRepository(this.#db(app)).activeIn(room);
    return active.some(({ stream_id }) => hlsRepository(this.#db(app)).newestOf(stream_id)?.state === 'live');
  }

  /** Live HLS of a stream as the API shows it. */
  view(app: string, streamId: string): StreamHls | null {
    const runs = hlsRepository(this.#db(app));
    const hls = runs.newestOf(streamId);
    if (hls === undefined) return null;
    const plan = planOf(hls);
    const encoders = runs.encoders(hls.id);
    const delay = this.delayMs(app, streamId);
    return {
      state: hls.state,
      url: hls.state === 'live' ? this.#url(app, hls) : null,
      delaySeconds: delay === null ? null : Math.round(delay / 100) / 10,
      rungs: plan.rungs.map(({ width, height, bitrateKbps }, rung) => {
        const state = encoders.findLast((one) => one.rung === rung)?.state ?? 'asked';
        return { width, height, bitrateKbps, state: state === 'asked' ? 'starting' : state };
      }),
      automatic: hls.is_automatic === 1,
      startedAt: hls.started_at,
      endedAt: hls.ended_at,
      error: hls.error,
    };
  }

  // --- inside ----------------------------------------------------------------------

  #db(app: string) {
    return this.#deps.databases.get(app);
  }

  #url(app: string, hls: HlsRecord): string {
    const { baseUrl } = planOf(hls);
    const key = masterKey(hls);
    if (baseUrl !== '') return publicUrl(baseUrl, key);
    return this.#deps.storage.playlists.link(app, { key, place: recordedPlace(hls) }, LINK_SECONDS);
  }

  #openRun(app: string, stream: StreamRecord): HlsRecord | undefined {
    const hls = hlsRepository(this.#db(app)).newestOf(stream.stream_id);
    return hls !== undefined && isOpen(hls) ? hls : undefined;
  }

  async #beginByItself(app: AppEntry, { stream_id }: StreamRecord): Promise<void> {
    const { livekit, delivery, log } = this.#deps;
    if (this.#isStopped || app.deleting || !livekit.isConfigured) return;
    try {
      const plan = (await delivery.plan(app.name)).live;
      if (plan === null || !plan.isAutomatic) return;
      const stream = streamRepository(this.#db(app.name)).find(stream_id);
      const before = hlsRepository(this.#db(app.name)).newestOf(stream_id);
      if (stream?.status !== 'active' || before?.is_stopped === 1 || (before !== undefined && isOpen(before))) return;
      const refusal = await this.#begin(app, stream, plan, true);
      // it is tried again as long as the stream runs
      if (refusal !== undefined)
        log.error(
          { app: app.name, stream: stream_id, code: 'LIVE_HLS_NOT_TAKEN', hint: refusal.hint, ...refusal.extra },
          `Live HLS of ${stream.room} was not started: ${refusal.reason}`,
        );
    } catch (err) {
      const isExpected = err instanceof ApiError && err.code === 'LIVE_HLS_NO_VIDEO';
      if (!isExpected && !this.#isStopped)
        log.error({ app: app.name, stream: stream_id, err }, `Live HLS was not started: ${(err as Error).message}`);
    }
  }

  /** @returns why not every quality began */
  #begin(app: AppEntry, stream: StreamRecord, plan: LiveHlsPlan, isAutomatic: boolean): Promise<Refusal | undefined> {
    const key = keyOf(app, stream);
    let beginning = this.#beginning.get(key);
    if (beginning === undefined) {
      beginning = this.#order(app, stream, plan, isAutomatic).finally(() => this.#beginning.delete(key));
      this.#beginning.set(key, beginning);
    }
    return beginning;
  }

  async #order(app: AppEntry, stream: StreamRecord, plan: LiveHlsPlan, isAutomatic: boolean) {
    const { mediaStore, livekit, storage } = this.#deps;
    const identity = stream.participant ?? '';
    const video = (await livekit.listTracks(stream.room)).find(
      (track) => track.identity === identity && track.type === 'video',
    );
    if (video === undefined) throw new ApiError('LIVE_HLS_NO_VIDEO', { id: stream.stream_id });
    const config = await this.#deps.config.get(app.name);
    const isInBucket = plan.storage === 'bucket';
    const rungs = video.size === null ? plan.rungs : rungsWithin(plan.rungs, video.size);
    const asked: LiveHlsPlan = {
      ...plan,
      rungs,
      egressCpus: rungs.length * EGRESS_CPUS.participant,
      // credentials that expire need a second encoder in time, whose segments only the daemon can add
      ownPlaylist: plan.ownPlaylist || (isInBucket && storage.usesRole(app.name, config.s3)),
    };
    const { result: hls } = mediaStore.changeWith(app, config, ({ db, now }) => {
      const runs = hlsRepository(db);
      return runs.insert({
        stream_id: stream.stream_id,
        room: stream.room,
        identity,
        folder: folderOf(isInBucket ? config.s3.prefix : '', stream.room, now, (folder) => runs.hasFolder(folder)),
        is_automatic: isAutomatic ? 1 : 0,
        plan_json: JSON.stringify(asked),
        started_at: new Date(now).toISOString(),
        ...(isInBucket ? placeOf(config.s3) : LOCAL_PLACE),
      });
    });
    const refusals = await Promise.all(rungs.map((_, rung) => this.#orders.order(app, hls, rung)));
    const refusal = refusals.find((one) => one !== undefined);
    if (refusal !== undefined) {
      await this.#deps.mediaStore.change(app, ({ db }) => {
        hlsRepository(db).update(hls.id, { error: refusal.reason });
      });
    }
    this.#follow(app, hls);
    return refusal;
  }

  async #look(app: AppEntry, egressId: string | null): Promise<void> {
    const egress = egressId === null ? undefined : await this.#deps.livekit.findEgress(egressId);
    if (egress === undefined) return;
    await this.#deps.mediaStore.change(app, ({ db }) => {
      applyEncoder(db, egress);
    });
  }

  #follow(app: AppEntry, hls: HlsRecord): void {
    const key = `${app.name} ${hls.id}`;
    if (this.#runs.has(key) || this.#isStopped) return;
    const run = new LiveHlsRun({ ...this.#deps, orders: this.#orders }, app.name, hls);
    this.#runs.set(key, run);
    run.start(() => this.#runs.delete(key));
  }

  async #end(app: AppEntry, hls: HlsRecord, error: string | null): Promise<void> {
    await this.#deps.mediaStore.change(app, ({ db, note, now }) => note(endHls(db, hls.id, error, now)));
    this.#runs.get(`${app.name} ${hls.id}`)?.soon();
  }
}

const keyOf = (app: AppEntry, stream: StreamRecord): string => `${app.id} ${stream.stream_id}`;

/** `<prefix>/hls/<room>-<UTC time>` */
function folderOf(prefix: string, room: string, at: number, isTaken: (folder: string) => boolean): string {
  const safe = room.replace(/[^A-Za-z0-9._-]/g, '_');
  const time = new Date(at)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '');
  const name = path.posix.join(trimSlashes(prefix), 'hls', `${safe}-${time}`);
  for (let n = 2, free = name; ; n++, free = `${name}-${n - 1}`) if (!isTaken(free)) return free;
}
