import type { EgressClient, IngressClient, RoomServiceClient } from 'livekit-server-sdk';
import type { LiveKitSnapshot } from '#shared/schema/stats.ts';
import { Snapshot } from './snapshot.ts';

const LIMIT_SECONDS = 2;
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

export interface LiveKitProbeOptions {
  url: string;
  apiKey: string;
  apiSecret: string;
  log: { debug(data: object, message: string): void };
}

/** Asks LiveKit for rooms, egress and ingress at once: one question at a time, and none at all without key and secret. */
export class LiveKitStatusProbe implements LiveKitProbe {
  readonly #options: LiveKitProbeOptions;
  readonly #snapshot: Snapshot<LiveKitSnapshot>;
  #clients: Promise<{ rooms: RoomServiceClient; egress: EgressClient; ingress: IngressClient }> | undefined;

  constructor(options: LiveKitProbeOptions) {
    this.#options = options;
    this.#snapshot = new Snapshot({ load: () => this.#ask(), freshMs: 1000, staleMs: 5000 });
  }

  snapshot(): LiveKitSnapshot | Promise<LiveKitSnapshot> {
    const { apiKey, apiSecret } = this.#options;
    return apiKey === '' || apiSecret === '' ? UNREACHABLE : this.#snapshot.get();
  }

  async #ask(): Promise<LiveKitSnapshot> {
    try {
      const { rooms, egress, ingress } = await (this.#clients ??= this.#load());
      const [list, egresses, ingresses] = await Promise.all([
        this.#attempt('rooms', rooms.listRooms()),
        this.#attempt('egress', egress.listEgress()),
        this.#attempt('ingress', ingress.listIngress()),
      ]);
      return {
        reachable: list !== undefined,
        rooms: list?.length ?? 0,
        egress: {
          reachable: egresses !== undefined,
          // starting, active, ending
          active: egresses?.filter(({ status }) => status <= 2).length ?? 0,
          total: egresses?.length ?? 0,
        },
        ingress: {
          reachable: ingresses !== undefined,
          // publishing
          active: ingresses?.filter(({ state }) => state?.status === 2).length ?? 0,
          total: ingresses?.length ?? 0,
        },
      };
    } catch {
      this.#clients = undefined;
      return UNREACHABLE;
    }
  }

  /** The error's own message may hold the token that was sent, so only its kind is kept. */
  #attempt<T>(what: string, answer: Promise<T>): Promise<T | undefined> {
    return answer.catch((error: Error & { status?: number; cause?: { code?: string } }) => {
      const reason = { what, kind: error.name, status: error.status, code: error.cause?.code };
      this.#options.log.debug(reason, 'LiveKit did not answer');
      return undefined;
    });
  }

  /** Loaded with the first question: the library is the largest of all, and not everyone has a LiveKit. */
  async #load() {
    const { RoomServiceClient, EgressClient, IngressClient } = await import('livekit-server-sdk');
    const { url, apiKey, apiSecret } = this.#options;
    const limits = { requestTimeout: LIMIT_SECONDS, failover: false };
    return {
      rooms: new RoomServiceClient(url, apiKey, apiSecret, limits),
      egress: new EgressClient(url, apiKey, apiSecret, limits),
      ingress: new IngressClient(url, apiKey, apiSecret, limits),
    };
  }
}
