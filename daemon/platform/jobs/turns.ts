import type { JobKind } from '#shared/schema/jobs.ts';

const AT_ONCE = 4;
/** Jobs of one team that run at the same time: the rest is for other teams. */
const AT_ONCE_PER_TEAM = 3;

/** What decides a job's turn. */
export interface Waiting {
  kind: JobKind;
  tenant: string;
}

/**
 * The oldest job of the team that has the fewest running, so that one team's many jobs don't hold up the others. Kinds with
 * a separate limit, whose jobs take hours, take no place from the rest.
 * @param queue in order
 * @param limitOf the separate limit of a kind
 */
export function chooseNext(
  queue: ReadonlyMap<number, Waiting>,
  running: ReadonlyMap<number, Waiting>,
  limitOf: (kind: JobKind) => number | undefined,
): (Waiting & { id: number }) | undefined {
  const all = [...running.values()];
  const common = all.filter(({ kind }) => limitOf(kind) === undefined);
  let best: (Waiting & { id: number; count: number }) | undefined;
  for (const [id, { kind, tenant }] of queue) {
    if (running.has(id)) continue;
    const limit = limitOf(kind);
    const beside = limit === undefined ? common : all.filter((run) => run.kind === kind);
    const count = beside.filter((run) => run.tenant === tenant).length;
    if (beside.length >= (limit ?? AT_ONCE) || count >= (limit ?? AT_ONCE_PER_TEAM)) continue;
    if (best !== undefined && count >= best.count) continue;
    best = { id, kind, tenant, count };
    if (count === 0) break;
  }
  return best;
}
