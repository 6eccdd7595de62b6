import type { LiveKit } from '#daemon/media/livekit/client.ts';
import { SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { Snapshot } from '#daemon/platform/snapshot.ts';
import type { ServerStats } from '#shared/schema/stats.ts';

const LIMIT_MS = 2000;
/** What LiveKit says of itself; all zero when it does not answer. */
export type LiveKitSnapshot = Pick<ServerStats, 'egress' | 'ingress'> & { reachable: boolean; rooms: number };

/** Something that runs in a room. */
interface Work {
  room: string;
  isActive: boolean;
}

/** LiveKit's lists; undefined = it did not answer. */
interface Answers {
  rooms?: readonly Work[] | undefined;
  egress?: readonly Work[] | undefined;
  ingress?: readonly Work[] | undefined;
}

export interface LiveKitProbe {
  /**
   * What LiveKit says of itself. Never throws, never takes longer than about 2 s.
   * @param counts which rooms count; all of them unless given
   */
  snapshot(counts?: (room: string) => boolean): LiveKitSnapshot | Promise<LiveKitSnapshot>;
}

/** Asks LiveKit for rooms, egress and ingress immediately: one question at a time, and none at all without key and secret. */
export class LiveKitStatusProbe implements LiveKitProbe {
  readonly #livekit: Pick<LiveKit, 'isConfigured' | 'listRooms' | 'listEgress' | 'listIngress'>;
  readonly #snapshot: Snapshot<Answers>;
  /** The last question, while some part of it is still without an answer. */
  #open: Promise<unknown> | undefined;

  constructor(
    livekit: Pick<LiveKit, 'isConfigured' | 'listRooms' | 'listEgress' | 'listIngress'>,
    clock = SYSTEM_CLOCK,
  ) {
    this.#livekit = livekit;
    this.#snapshot = new Snapshot({ load: () => this.#ask(), freshMs: 1000, staleMs: 5000, clock });
  }

  snapshot(counts: (room: string) => boolean = () => true): LiveKitSnapshot | Promise<LiveKitSnapshot> {
    const answers = this.#livekit.isConfigured ? this.#snapshot.get() : {};
    return answers instanceof Promise ? answers.then((is) => counted(is, counts)) : counted(answers, counts);
  }

  /** The next caller gets a new answer. */
  expire(): void {
    this.#snapshot.expire();
  }

  async #ask(): Promise<Answers> {
    // anyone who has not answered the last question yet is not asked another
    if (this.#open !== undefined) return {};
    const asked = [this.#livekit.listRooms(), this.#livekit.listEgress(), this.#livekit.listIngress()] as const;
    this.#open = Promise.allSettled(asked).then(() => {
      this.#open = undefined;
    });
    const [rooms, egresses, ingresses] = await Promise.all([inTime(asked[0]), inTime(asked[1]), inTime(asked[2])]);
    return {
      rooms: rooms?.map(({ name }) => ({ room: name, isActive: true })),
      egress: egresses?.map(({ room, state }) => ({ room, isActive: state === 'recording' || state === 'ending' })),
      ingress: ingresses?.map(({ room, isPublishing }) => ({ room, isActive: isPublishing })),
    };
  }
}

function counted({ rooms, egress, ingress }: Answers, counts: (room: string) => boolean): LiveKitSnapshot {
  const workers = (works: readonly Work[] | undefined): ServerStats['egress'] => {
    const own = works?.filter(({ room }) => counts(room)) ?? [];
    return { reachable: works !== undefined, active: own.filter(({ isActive }) => isActive).length, total: own.length };
  };
  return {
    reachable: rooms !== undefined,
    rooms: workers(rooms).total,
    egress: workers(egress),
    ingress: workers(ingress),
  };
}

/** The answer; undefined when there is none within the limit. */
function inTime<T>(answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), LIMIT_MS).unref();
  });
  return Promise.race([answer.catch(() => undefined), limit]).finally(() => clearTimeout(timer));
}
