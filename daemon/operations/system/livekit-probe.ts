import type { LiveKit } from '#daemon/media/livekit/client.ts';
import { SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { Snapshot } from '#daemon/platform/snapshot.ts';
import type { LiveKitSnapshot } from '#shared/schema/stats.ts';

const LIMIT_MS = 2000;
const UNREACHABLE: LiveKitSnapshot = {
  reachable: false,
  rooms: 0,
  egress: { reachable: false, active: 0, total: 0 },
  ingress: { reachable: false, active: 0, total: 0 },
};

export interface LiveKitProbe {
  /** What LiveKit says of itself. Never throws, never takes longer than about 2 s. */
  snapshot(): LiveKitSnapshot | Promise<LiveKitSnapshot>;
}

/** Asks LiveKit for rooms, egress and ingress immediately: one question at a time, and none at all without key and secret. */
export class LiveKitStatusProbe implements LiveKitProbe {
  readonly #livekit: Pick<LiveKit, 'isConfigured' | 'listRooms' | 'listEgress' | 'listIngress'>;
  readonly #snapshot: Snapshot<LiveKitSnapshot>;
  /** The last question, while some part of it is still without an answer. */
  #open: Promise<unknown> | undefined;

  constructor(
    livekit: Pick<LiveKit, 'isConfigured' | 'listRooms' | 'listEgress' | 'listIngress'>,
    clock = SYSTEM_CLOCK,
  ) {
    this.#livekit = livekit;
    this.#snapshot = new Snapshot({ load: () => this.#ask(), freshMs: 1000, staleMs: 5000, clock });
  }

  snapshot(): LiveKitSnapshot | Promise<LiveKitSnapshot> {
    return this.#livekit.isConfigured ? this.#snapshot.get() : UNREACHABLE;
  }

  async #ask(): Promise<LiveKitSnapshot> {
    // anyone who has not answered the last question yet is not asked another
    if (this.#open !== undefined) return UNREACHABLE;
    const asked = [this.#livekit.listRooms(), this.#livekit.listEgress(), this.#livekit.listIngress()] as const;
    this.#open = Promise.allSettled(asked).then(() => {
      this.#open = undefined;
    });
    const [rooms, egresses, ingresses] = await Promise.all([inTime(asked[0]), inTime(asked[1]), inTime(asked[2])]);
    return {
      reachable: rooms !== undefined,
      rooms: rooms?.length ?? 0,
      egress: {
        reachable: egresses !== undefined,
        active: egresses?.filter(({ state }) => state === 'recording' || state === 'ending').length ?? 0,
        total: egresses?.length ?? 0,
      },
      ingress: {
        reachable: ingresses !== undefined,
        active: ingresses?.filter(({ isPublishing }) => isPublishing).length ?? 0,
        total: ingresses?.length ?? 0,
      },
    };
  }
}

/** The answer; undefined when there is none within the limit. */
function inTime<T>(answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), LIMIT_MS).unref();
  });
  return Promise.race([answer.catch(() => undefined), limit]).finally(() => clearTimeout(timer));
}
