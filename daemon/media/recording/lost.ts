import { setTimeout as pause } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Log } from '#daemon/platform/log.ts';
import { ApiError } from '#shared/errors.ts';
import type { LiveKit } from '../livekit/client.ts';
import type { Egress } from '../livekit/egress.ts';
import type { EgressAnswer } from '../livekit/egress-answer.ts';
import { LiveKitError, toApiError } from '../livekit/errors.ts';
import type { MediaStore } from '../media-store.ts';
import { livekitMemory } from '../streams/repository.ts';
import type { VodRecord } from '../vods/repository.ts';
import { applyEgress } from '../vods/vod-lifecycle.ts';

/** LiveKit takes 20 s to notice that a recorder is gone. */
const GONE_WITHIN_MS = 25_000;
const LOOK_EVERY_MS = 1000;
/** Two missing answers closer together count as one. */
const APART_MS = 45_000;

const LOST = 'the egress service that recorded it is gone: it was killed, or its machine is off';
const UNKNOWN = 'LiveKit no longer knows this recording';

export interface LostRecordingsDeps {
  livekit: Pick<LiveKit, 'stopEgress' | 'pingEgress' | 'findEgress' | 'listParticipants'>;
  mediaStore: MediaStore;
  databases: AppDatabases;
  /** Ends a lost recording, and keeps what it left in the storage. */
  recover(app: AppEntry, vod: VodRecord, reason: string): Promise<void>;
  clock: Clock;
  log: Log<'warn'>;
}

/**
 * Ends recordings, and finds those whose egress service is gone. LiveKit never reports these, and keeps listing them as ACTIVE.
 * So we ask the recorder itself, and look for it among the participants of its room.
 */
export class LostRecordings {
  readonly #deps: LostRecordingsDeps;
  /** Recorders that did not answer: how often, and when last. */
  readonly #silent = new LRUCache<string, { count: number; at: number }>({ max: 10_000 });

  constructor(deps: LostRecordingsDeps) {
    this.#deps = deps;
  }

  /**
   * Asks for the end of a recording. One that is lost fails.
   * @throws ApiError LIVEKIT_UNREACHABLE, also while a recorder is in its room and does not answer
   */
  async stop(app: AppEntry, vod: VodRecord): Promise<void> {
    const id = vod.egress_id as string;
    try {
      const answer = await this.#deps.livekit.stopEgress(id);
      if (answer.kind === 'unknown') return await this.#lose(app, vod, UNKNOWN);
      const egress = await this.#told(id, answer);
      const isOver = egress !== undefined && egress.state !== 'ending';
      if (egress !== undefined && (isOver || answer.kind === 'answered')) return await this.#apply(app, egress);
      for (const until = this.#deps.clock.monotonic() + GONE_WITHIN_MS; await this.#isPresent(vod); ) {
        if (this.#deps.clock.monotonic() > until) {
          const reason = 'the egress service that records it does not respond, and its recorder is still in the room.';
          throw new ApiError('LIVEKIT_UNREACHABLE', { reason });
        }
        await pause(LOOK_EVERY_MS);
      }
      await this.#lose(app, vod, LOST);
    } catch (error) {
      throw toApiError(error);
    }
  }

  /** Checks a recording that LiveKit lists as running, or doesn't know. A running one isn't disturbed. */
  async check(app: AppEntry, vod: VodRecord): Promise<void> {
    const id = vod.egress_id as string;
    const isEnding = vod.status === 'uploading';
    // one that ends anyway can be asked to end
    const answer = isEnding ? await this.#deps.livekit.stopEgress(id) : await this.#ping(id);
    if (answer.kind === 'over') {
      const egress = await this.#told(id, answer);
      if (egress !== undefined && !(isEnding && egress.state === 'ending')) return this.#apply(app, egress);
    } else if (isAlive(answer)) {
      this.#silent.delete(id);
      return;
    }
    const isPresent = await this.#isPresent(vod);
    const needed = this.#silencesNeeded(app, id, { isPresent, isUnknown: answer.kind === 'unknown', isEnding });
    if (this.#countSilence(id) >= needed) await this.#lose(app, vod, answer.kind === 'unknown' ? UNKNOWN : LOST);
  }

  /** Missing answers before a recorder counts as gone: a busy machine can be late. */
  #silencesNeeded(
    app: AppEntry,
    id: string,
    { isPresent, isUnknown, isEnding }: { isPresent: boolean; isUnknown: boolean; isEnding: boolean },
  ): number {
    const memory = livekitMemory(this.#deps.databases.get(app.name));
    if (isPresent) {
      if (!memory.isRecorder(id, 'joined')) memory.setRecorder(id, 'joined', this.#deps.clock.now());
      return Number.POSITIVE_INFINITY;
    }
    if (memory.isRecorder(id, 'lost')) return 1;
    // LiveKit that has lost its memory does not know who is in the room either, but tells who leaves it
    if (memory.isRecorder(id, 'joined')) return isUnknown ? Number.POSITIVE_INFINITY : isEnding ? 2 : 1;
    return isUnknown ? 1 : 5;
  }

  /** A recording that LiveKit forgot can still run, so its recorder is asked several times. */
  async #ping(id: string): Promise<EgressAnswer> {
    for (let left = 3; ; left--) {
      const answer = await this.#deps.livekit.pingEgress(id);
      if (left === 1 || answer.kind !== 'unknown' || answer.isHeard) return answer;
    }
  }

  /**
   * The recorder has left its room: at the end of its recording, or because it is gone.
   * @param hasTimedOut its connection was lost, LiveKit says
   */
  async recorderLeft(app: AppEntry, vod: VodRecord, hasTimedOut: boolean): Promise<void> {
    const id = vod.egress_id as string;
    try {
      const answer = await this.#ping(id);
      if (answer.kind === 'over') {
        const egress = await this.#told(id, answer);
        if (egress !== undefined) await this.#apply(app, egress);
      } else if (!isAlive(answer) && (hasTimedOut || answer.kind === 'silent') && !(await this.#isPresent(vod))) {
        await this.#lose(app, vod, LOST);
      }
    } catch (error) {
      if (!(error instanceof LiveKitError)) throw error;
      // without an answer from LiveKit, its event counts
      if (hasTimedOut) await this.#lose(app, vod, LOST);
    }
  }

  /** What we know of a recorder that answered, or is over. */
  async #told(id: string, answer: EgressAnswer): Promise<Egress | undefined> {
    if (answer.kind === 'answered') return answer.egress ?? undefined;
    return answer.kind === 'over' ? this.#deps.livekit.findEgress(id) : undefined;
  }

  async #isPresent({ room, egress_id }: VodRecord): Promise<boolean> {
    return (await this.#deps.livekit.listParticipants(room)).some(({ identity }) => identity === egress_id);
  }

  #countSilence(id: string): number {
    const now = this.#deps.clock.monotonic();
    const { count, at } = this.#silent.get(id) ?? { count: 0, at: Number.NEGATIVE_INFINITY };
    const next = now - at >= APART_MS ? { count: count + 1, at: now } : { count, at };
    this.#silent.set(id, next);
    return next.count;
  }

  async #apply(app: AppEntry, egress: Egress): Promise<void> {
    this.#silent.delete(egress.id);
    await this.#deps.mediaStore.change(app, ({ db, note, now, owner }) => note(applyEgress(db, egress, owner, now)));
  }

  async #lose(app: AppEntry, vod: VodRecord, reason: string): Promise<void> {
    this.#silent.delete(vod.egress_id as string);
    this.#deps.log.warn({ app: app.name, room: vod.room, egress: vod.egress_id, reason }, 'a recording is lost');
    await this.#deps.recover(app, vod, reason);
  }
}

const isAlive = (answer: EgressAnswer): boolean =>
  answer.kind === 'answered' || (answer.kind === 'unknown' && answer.isHeard);
