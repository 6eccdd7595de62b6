import { Mutex } from 'async-mutex';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { ApiError } from '#shared/errors.ts';
import type { ApplyBody, Export, Plan, PlanBody, PlannedChange } from '#shared/schema/declared.ts';
import type { Job } from '#shared/schema/jobs.ts';
import type { Applies } from './applies.ts';
import { type Changes, checkChanges, findChanges } from './changes.ts';
import { byText, type Change, type Kind, named } from './kind.ts';
import type { RollbackPoints } from './points.ts';
import { canonical, diffOf, fingerprintOf, secretsIn, toPlain, yamlOf } from './values.ts';

export interface DeclaredDeps {
  kinds: readonly Kind[];
  points: RollbackPoints;
  applies: Applies;
  pool: WorkerPool;
  /** Keys the fingerprints, because plans contain secrets. */
  key: Buffer;
}

/** The configuration of the installation as a folder of files: exported, compared, applied, rolled back. */
export class DeclaredService {
  readonly #deps: DeclaredDeps;
  readonly #beginning = new Mutex();

  constructor(deps: DeclaredDeps) {
    this.#deps = deps;
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

  /**
   * Begins to make the changes of a plan.
   * @param isAttended whether the caller waits for the end
   * @returns undefined if there is nothing to change
   * @throws ApiError PLAN_OUTDATED, APPLY_BUSY, FOLDER_INVALID; nothing was changed then
   */
  async apply(
    { fingerprint, ...body }: ApplyBody,
    principal: Principal,
    actor: Actor,
    isAttended: boolean,
  ): Promise<Job | undefined> {
    const { applies, kinds } = this.#deps;
    if (this.#beginning.isLocked() || applies.isBusy) throw new ApiError('APPLY_BUSY');
    return this.#beginning.runExclusive(async () => {
      const found = await findChanges(this.#deps, body);
      if (this.#fingerprint(found) !== fingerprint) throw new ApiError('PLAN_OUTDATED');
      const context = await checkChanges(kinds, found.changes, { principal, actor, stage: 'apply' });
      return found.changes.length === 0 ? undefined : applies.begin(found.changes, context, isAttended);
    });
  }

  #fingerprint({ changes }: Changes): string {
    const parts = changes.map(({ kind, action, key, before, after }) =>
      [action, kind.id, JSON.stringify(key), canonical(before), canonical(after)].join(' '),
    );
    return fingerprintOf(this.#deps.key, parts);
  }
}

const shown = (change: Change): PlannedChange => ({
  ...named(change),
  diff: change.diff ?? diffOf(change.before, change.after),
  warnings: change.warnings,
});
