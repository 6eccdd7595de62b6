import { Mutex } from 'async-mutex';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { ApiError } from '#shared/errors.ts';
import type {
  Applied,
  ApplyBody,
  DoneChange,
  Export,
  Plan,
  PlanBody,
  PlannedChange,
  RollbackPoint,
} from '#shared/schema/declared.ts';
import { type Changes, checkChanges, findChanges } from './changes.ts';
import { byText, type Change, type Context, type Kind, type Outcome } from './kind.ts';
import type { RollbackPoints } from './points.ts';
import { canonical, diffOf, fingerprintOf, secretsIn, toPlain, yamlOf } from './values.ts';

export interface DeclaredDeps {
  kinds: readonly Kind[];
  points: RollbackPoints;
  pool: WorkerPool;
  /** Keys the fingerprints, because plans contain secrets. */
  key: Buffer;
  log: Log<'info' | 'warn'>;
}

/** The configuration of the installation as a folder of files: exported, compared, applied, rolled back. */
export class DeclaredService {
  readonly #deps: DeclaredDeps;
  readonly #applying = new Mutex();

  constructor(deps: DeclaredDeps) {
    this.#deps = deps;
  }

  start(): Promise<void> {
    return this.#deps.points.start();
  }

  rollbackPoints(): Promise<RollbackPoint[]> {
    return this.#deps.points.list();
  }

  async export(): Promise<Export> {
    const files: Export['files'] = [];
    const secrets = new Set<string>();
    const warnings: string[] = [];
    for (const kind of this.#deps.kinds) {
      const items = [...(await kind.read())];
      const exported = (await kind.toExport?.(items, warnings)) ?? items;
      for (const { fields } of exported) for (const { name } of secretsIn(fields)) secrets.add(name);
      for (const doc of kind.compose(exported))
        files.push({ path: doc.path, text: 'text' in doc ? doc.text : yamlOf(toPlain(doc.value as never)) });
    }
    for (const { text } of files)
      for (const [, name = ''] of text.matchAll(/\$\{secret:([A-Z][A-Z0-9_]*)\}/g)) secrets.add(name);
    return { files: files.sort((a, b) => byText(a.path, b.path)), secrets: [...secrets].sort(byText), warnings };
  }

  async plan(body: PlanBody, principal: Principal, actor: Actor): Promise<Plan> {
    const { kinds } = this.#deps;
    const found = await findChanges(this.#deps, body);
    await checkChanges(kinds, found.changes, { principal, actor, stage: 'plan' });
    const { kept, unresolved, changes } = found;
    return { fingerprint: this.#fingerprint(found), changes: changes.map(shown), kept, unresolved, warnings: [] };
  }

  /** @throws ApiError PLAN_OUTDATED, APPLY_BUSY, APPLY_STOPPED, FOLDER_INVALID */
  async apply(
    { fingerprint, ...body }: ApplyBody,
    principal: Principal,
    actor: Actor,
    /** Told what was changed, also if not all of it could be. */
    note: (rollbackPoint: number, changes: readonly DoneChange[]) => void,
  ): Promise<Applied> {
    if (this.#applying.isLocked()) throw new ApiError('APPLY_BUSY');
    return this.#applying.runExclusive(async () => {
      const found = await findChanges(this.#deps, body);
      if (this.#fingerprint(found) !== fingerprint) throw new ApiError('PLAN_OUTDATED');
      const context = await checkChanges(this.#deps.kinds, found.changes, { principal, actor, stage: 'apply' });
      if (found.changes.length === 0)
        return { changes: [], rollbackPoint: null, tokens: [], invites: [], warnings: [] };
      return this.#make(found.changes, context, note);
    });
  }

  async #make(
    changes: readonly Change[],
    context: Context,
    tell: (rollbackPoint: number, changes: readonly DoneChange[]) => void,
  ): Promise<Applied> {
    const { points, log } = this.#deps;
    const point = await points.begin(changes, context.actor.label ?? context.actor.id);
    const done = new Set<Change>();
    const outcome: Outcome = {
      tokens: [],
      invites: [],
      warnings: [],
      done: async (change, note) => {
        done.add(change);
        if (note !== undefined) await point.note(change, note);
      },
    };
    const { tokens, invites, warnings } = outcome;
    try {
      for (const group of groupsOf(changes)) await (group[0] as Change).kind.apply(group, context, outcome);
    } catch (error) {
      tell(point.id, changes.filter((change) => done.has(change)).map(named));
      await point.end('stopped').catch((err) => log.warn({ err }, 'the state of a roll-back point was not stored'));
      throw stopped(changes, done, point.id, { tokens, invites, warnings }, error);
    }
    tell(point.id, changes.map(named));
    await point.end('applied');
    log.info({ changes: changes.length, rollbackPoint: point.id }, 'applied a configuration');
    return { changes: changes.map(named), rollbackPoint: point.id, tokens, invites, warnings };
  }

  #fingerprint({ changes }: Changes): string {
    const parts = changes.map(({ kind, action, key, before, after }) =>
      [action, kind.id, JSON.stringify(key), canonical(before), canonical(after)].join(' '),
    );
    return fingerprintOf(this.#deps.key, parts);
  }
}

const named = ({ action, kind, key }: Change): DoneChange => ({ action, kind: kind.id, name: key });

const shown = (change: Change): PlannedChange => ({
  ...named(change),
  diff: change.diff ?? diffOf(change.before, change.after),
  warnings: change.warnings,
});

/** Changes of one kind that follow each other, deletions apart. */
function groupsOf(changes: readonly Change[]): Change[][] {
  const groups: Change[][] = [];
  for (const change of changes) {
    const [last] = groups.at(-1) ?? [];
    const isSame = last?.kind === change.kind && (last.action === 'delete') === (change.action === 'delete');
    if (isSame) groups.at(-1)?.push(change);
    else groups.push([change]);
  }
  return groups;
}

/** Says exactly what was done, what failed and what wasn’t tried. */
function stopped(
  changes: readonly Change[],
  done: ReadonlySet<Change>,
  rollbackPoint: number,
  told: Pick<Applied, 'tokens' | 'invites' | 'warnings'>,
  error: unknown,
): ApiError {
  const left = changes.filter((change) => !done.has(change));
  const failed = left[0] ?? (changes.at(-1) as Change);
  const reason = error instanceof ApiError ? error.message : 'the daemon had an unexpected fault, which is in its log';
  const made = changes.filter((change) => done.has(change));
  return new ApiError(
    'APPLY_STOPPED',
    { done: made.length, total: changes.length, kind: failed.kind.id, name: failed.key, reason },
    {
      cause: error,
      extra: {
        ...told,
        applied: made.map(named),
        failed: { ...named(failed), code: error instanceof ApiError ? error.code : 'INTERNAL', message: reason },
        notApplied: left.slice(1).map(named),
        rollbackPoint,
      },
    },
  );
}
