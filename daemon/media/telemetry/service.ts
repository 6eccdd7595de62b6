import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { ApiError } from '#shared/errors.ts';
import { qualityFindings } from '#shared/rules/quality.ts';
import {
  type QualitySample,
  SAMPLE_SECONDS,
  type SessionQuality,
  type StayQuality,
  type TelemetryAnswer,
  type TelemetryBody,
} from '#shared/schema/telemetry.ts';
import type { LiveKit } from '../livekit/client.ts';
import type { IdentityKeeper } from '../sessions/identities.ts';
import { sessionReading } from '../sessions/reading.ts';
import { type StayRecord, sessionRepository } from '../sessions/repository.ts';
import { type SampleRow, telemetryRepository } from './repository.ts';

/** A client that is in the room keeps its first token, which may be long expired. */
const EXPIRED_SECONDS = 86_400;
const SLOT_MS = SAMPLE_SECONDS * 1000;
/** A client may still report what it measured before it left. */
const AFTER_LEAVING_MS = 120_000;

export interface TelemetryServiceDeps {
  livekit: Pick<LiveKit, 'isConfigured' | 'readJoinToken'>;
  apps: { require(name: string): AppEntry; forRoom(room: string): AppEntry | undefined };
  config: { get(app: string): Promise<AppConfig> };
  databases: AppDatabases;
  identities: IdentityKeeper;
  clock: Clock;
}

/** What clients in rooms measure, and what was wrong with it. */
export class TelemetryService {
  readonly #deps: TelemetryServiceDeps;

  constructor(deps: TelemetryServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Keeps the samples of a client.
   * @param token the join token with which it entered
   * @throws ApiError APP_NOT_FOUND, LIVEKIT_NOT_CONFIGURED, JOIN_TOKEN_INVALID, CONNECTION_UNKNOWN
   */
  async take(name: string, token: string | undefined, body: TelemetryBody): Promise<TelemetryAnswer> {
    const { apps, livekit, config, identities, databases, clock } = this.#deps;
    const app = apps.require(name);
    if (!livekit.isConfigured) throw new ApiError('LIVEKIT_NOT_CONFIGURED');
    const rights = token === undefined ? undefined : await livekit.readJoinToken(token, EXPIRED_SECONDS);
    if (rights === undefined || apps.forRoom(rights.room)?.id !== app.id)
      throw new ApiError('JOIN_TOKEN_INVALID', { room: rights?.room ?? app.roomPrefix });
    const { analytics } = await config.get(name);
    if (!analytics.enabled) return { nextSeconds: null };
    const { participantSid: sid, samples } = body;
    const db = databases.get(name);
    const stay = sessionRepository(db).stay(sid);
    const now = clock.now();
    // a token of one participant must not speak for another
    const isOwn =
      stay !== undefined &&
      this.#roomOf(name, stay) === rights.room &&
      (stay.identity === null || stay.identity === identities.kept(app.id, analytics.identities, rights.identity));
    if (!isOwn || (stay.left_at ?? now) < now - AFTER_LEAVING_MS) throw new ApiError('CONNECTION_UNKNOWN', { sid });
    const sql = telemetryRepository(db);
    db.transaction(() => {
      for (const { secondsAgo, ...figures } of samples)
        sql.put(stay.id, Math.floor((now - secondsAgo * 1000) / SLOT_MS), JSON.stringify(figures));
    })();
    return { nextSeconds: SAMPLE_SECONDS };
  }

  /** @throws ApiError SESSION_UNKNOWN, CONNECTION_UNKNOWN */
  stay(name: string, id: string, sid: string): StayQuality {
    const session = this.#session(name, id);
    const db = this.#deps.databases.get(name);
    const stay = sessionRepository(db).stay(sid);
    if (stay === undefined || stay.session_id !== session.id) throw new ApiError('CONNECTION_UNKNOWN', { sid });
    const samples = telemetryRepository(db).samples(stay.id).map(sampleOf);
    return { stay: sid, identity: stay.identity, findings: qualityFindings(samples), samples };
  }

  /** @throws ApiError SESSION_UNKNOWN */
  async session(name: string, id: string): Promise<SessionQuality> {
    const session = this.#session(name, id);
    const sql = () => telemetryRepository(this.#deps.databases.get(name));
    const stays: SessionQuality['stays'] = [];
    for (const { id: stay, sid, identity } of sql().stays(session.id)) {
      const findings = qualityFindings(sql().samples(stay).map(sampleOf));
      if (findings.length > 0) stays.push({ stay: sid, identity, findings });
      await nextTurn();
    }
    return { measured: sql().measured(session.id), stays };
  }

  #session(name: string, id: string) {
    this.#deps.apps.require(name);
    const session = sessionReading(this.#deps.databases.get(name)).find(id);
    if (session === undefined) throw new ApiError('SESSION_UNKNOWN', { id });
    return session;
  }

  #roomOf(name: string, stay: StayRecord): string | undefined {
    return sessionReading(this.#deps.databases.get(name)).byIds([stay.session_id])[0]?.room;
  }
}

const sampleOf = ({ slot, figures }: SampleRow): QualitySample => ({
  at: new Date(slot * SLOT_MS).toISOString(),
  ...(JSON.parse(figures) as Omit<QualitySample, 'at'>),
});
