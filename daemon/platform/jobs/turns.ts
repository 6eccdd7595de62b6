import type { JobKind } from '#shared/schema/jobs.ts';
import { PLATFORM } from '../principal.ts';

const AT_ONCE = 4;

/** What decides a job's turn. */
export interface Waiting {
  kind: JobKind;
  tenant: string | null;
  app: string | null;
}

type Chosen = Waiting & { id: number };

/**
 * Gives each team its turn; each app of the platform's team has its own. One turn gets all places of a limit but one, so
 * that jobs of hours don't hold up the others. Kinds with a separate limit take no place from the rest, and operators who
 * set such a limit get all of it for the platform's apps.
 */
export class JobTurns {
  readonly #limitOf: (kind: JobKind) => number | undefined;
  /** When a team last had its turn at a limit. */
  readonly #lastTurn = new Map<string, number>();
  #turns = 0;

  /** @param limitOf the separate limit of a kind */
  constructor(limitOf: (kind: JobKind) => number | undefined) {
    this.#limitOf = limitOf;
  }

  /**
   * The oldest job of the team that has the fewest running, then of the one whose last turn is the longest ago.
   * @param queue in order
   */
  next(queue: ReadonlyMap<number, Waiting>, running: ReadonlyMap<number, Waiting>): Chosen | undefined {
    const all = [...running.values()];
    const lanes = Map.groupBy(all, ({ kind }) => this.#laneOf(kind));
    let best: (Chosen & { count: number; lastTurn: number }) | undefined;
    for (const [id, job] of queue) {
      if (running.has(id)) continue;
      const own = this.#limitOf(job.kind);
      const limit = own ?? AT_ONCE;
      const turn = this.#turnOf(job);
      const beside = lanes.get(this.#laneOf(job.kind)) ?? [];
      const count = beside.filter((run) => this.#turnOf(run) === turn).length;
      const most = own !== undefined && job.tenant === PLATFORM ? limit : Math.max(1, limit - 1);
      if (beside.length >= limit || count >= most) continue;
      const lastTurn = this.#lastTurn.get(turn) ?? 0;
      if (best === undefined || count < best.count || (count === best.count && lastTurn < best.lastTurn))
        best = { ...job, id, count, lastTurn };
    }
    // who has nothing left is forgotten, or the map would grow with every team there ever was
    if (best === undefined && running.size === 0) this.#lastTurn.clear();
    if (best !== undefined) this.#lastTurn.set(this.#turnOf(best), ++this.#turns);
    return best;
  }

  #laneOf(kind: JobKind): string {
    return this.#limitOf(kind) === undefined ? '' : kind;
  }

  #turnOf({ kind, tenant, app }: Waiting): string {
    return `${this.#laneOf(kind)} ${tenant} ${tenant === PLATFORM ? app : ''}`;
  }
}
