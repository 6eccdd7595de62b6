import { randomUUID } from 'node:crypto';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Background } from '#daemon/platform/background.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import type { DeliveryPlan } from '#shared/delivery/plan.ts';
import { ApiError } from '#shared/errors.ts';
import { type StreamRecord, streamRepository } from '../streams/repository.ts';
import { type VodRecord, vodRepository } from '../vods/repository.ts';
import type { PartOf, RecordingOrders, Subject } from './orders.ts';

/** Waits before a recording that failed begins again. */
const AGAIN_MS = [2000, 60_000, 300_000, 900_000] as const;
/** After one that lasted longer, the cause may be over. */
const STABLE_MS = 300_000;

export interface AutomaticRecordingsDeps {
  databases: AppDatabases;
  apps: { get(name: string): AppEntry | undefined };
  config: { get(app: string): Promise<AppConfig> };
  delivery: { planOf(config: AppConfig): Promise<DeliveryPlan> };
  quotas: { checkRecording(principal: Principal | null, tenantId: string): Promise<void> };
  orders: Pick<RecordingOrders, 'begin'>;
  background: Background;
  log: Log<'error' | 'warn'>;
}

/** Recordings that begin with their streams (`recording.auto`), and begin again when they fail while these continue. */
export class AutomaticRecordings {
  readonly #deps: AutomaticRecordingsDeps;
  /** Failures in a row, by subject. */
  readonly #failures = new Map<string, number>();
  readonly #waiting = new Set<() => void>();

  constructor(deps: AutomaticRecordingsDeps) {
    this.#deps = deps;
  }

  stop(): void {
    for (const cancel of this.#waiting) cancel();
    this.#waiting.clear();
  }

  /** @throws ApiError QUOTA_EXCEEDED */
  async started(app: AppEntry, started: readonly StreamRecord[]): Promise<void> {
    const config = await this.#deps.config.get(app.name);
    const plan = (await this.#deps.delivery.planOf(config)).recording;
    if (plan === null || !plan.isAutomatic || app.deleting) return;
    const streams = streamRepository(this.#deps.databases.get(app.name));
    const subjects: Subject[] =
      plan.mode === 'participant'
        ? started.map((stream) => ({ room: stream.room, stream }))
        : [...new Set(started.map((stream) => stream.room))]
            .filter((room) => hasFirst(started, room, streams.activeIn(room)))
            .map((room) => ({ room, stream: null }));
    if (subjects.length === 0) return;
    await this.#deps.quotas.checkRecording(null, app.tenantId);
    const part = () => ({ sessionId: randomUUID(), part: 1, isAutomatic: true });
    await settled(subjects.map((subject) => this.#begin(app, config, subject, part())));
  }

  /** A recording failed: it begins again unless somebody stopped it. */
  failed(app: AppEntry, vod: VodRecord): void {
    if (vod.is_automatic === 0 || vod.is_stopped === 1 || vod.session_id === null) return;
    const { room, stream_id: streamId } = vod;
    const key = keyOf(app.name, room, streamId);
    if (Date.parse(vod.ended_at ?? vod.started_at) - Date.parse(vod.started_at) > STABLE_MS) this.#failures.delete(key);
    this.#later(
      app.name,
      { room, streamId },
      { sessionId: vod.session_id, part: (vod.part ?? 0) + 1, isAutomatic: true },
    );
  }

  #later(app: string, subject: { room: string; streamId: string | null }, part: PartOf): void {
    const key = keyOf(app, subject.room, subject.streamId);
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const wait = AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)] as number;
    const cancel = this.#deps.background.after('retries of automatic recordings', wait, async () => {
      this.#waiting.delete(cancel);
      if (!(await this.#again(app, subject, part))) this.#failures.delete(key);
    });
    this.#waiting.add(cancel);
  }

  /** @returns false when there is nothing to record any more */
  async #again(name: string, { room, streamId }: { room: string; streamId: string | null }, part: PartOf) {
    const app = this.#deps.apps.get(name);
    if (app === undefined || app.deleting) return false;
    const config = await this.#deps.config.get(name);
    if ((await this.#deps.delivery.planOf(config)).recording?.isAutomatic !== true) return false;
    const db = this.#deps.databases.get(name);
    const active = streamRepository(db).activeIn(room);
    const stream = streamId === null ? null : active.find(({ stream_id }) => stream_id === streamId);
    if (active.length === 0 || stream === undefined) return false;
    const identity = stream?.participant ?? null;
    if (
      vodRepository(db)
        .recordingIn(room)
        .some((vod) => vod.identity === identity)
    )
      return true;
    await this.#deps.quotas.checkRecording(null, app.tenantId);
    await settled([this.#begin(app, config, { room, stream }, part)]);
    return true;
  }

  async #begin(app: AppEntry, config: AppConfig, subject: Subject, part: PartOf): Promise<void> {
    try {
      await this.#deps.orders.begin(app, config, subject, part);
    } catch (error) {
      if (error instanceof ApiError && isRefusal(error)) {
        const { code, hint, message, extra } = error;
        const fields = { app: app.name, room: subject.room, code, hint, ...extra };
        // the plugin's error has its own line
        if (code === 'PLUGIN_FAILED')
          this.#deps.log.warn(fields, `Recording of ${subject.room} was not started: ${message}`);
        else this.#deps.log.error(fields, message);
        // without a row there is no failure to follow
        if (extra?.['vodId'] === undefined)
          this.#later(app.name, { room: subject.room, streamId: subject.stream?.stream_id ?? null }, part);
      }
      throw error;
    }
  }
}

/** Did a room's first publisher just start? Others may have followed in the meantime. */
function hasFirst(started: readonly StreamRecord[], room: string, active: readonly StreamRecord[]): boolean {
  const first = Math.min(...started.filter((stream) => stream.room === room).map(({ id }) => id));
  return active.every(({ id }) => id >= first);
}

const keyOf = (app: string, room: string, streamId: string | null): string => JSON.stringify([app, room, streamId]);

/** Waits for all. Expected failures have been logged. */
async function settled(work: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) {
    if (outcome.status === 'rejected' && !isExpected(outcome.reason)) throw outcome.reason;
  }
}

/** It may be taken later: of LiveKit, the storage or its plugin. */
const isRefusal = ({ code }: ApiError): boolean => code === 'RECORDING_NOT_TAKEN' || code === 'PLUGIN_FAILED';

const isExpected = (error: unknown): boolean =>
  error instanceof ApiError && (isRefusal(error) || error.code === 'ALREADY_RECORDING');
