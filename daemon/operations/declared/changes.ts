import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { ApiError } from '#shared/errors.ts';
import type { NamedObject, PlanBody } from '#shared/schema/declared.ts';
import {
  type Change,
  type Context,
  type Item,
  type Kind,
  type Place,
  type Problem,
  placeOf,
  refuseFolder,
} from './kind.ts';
import type { RollbackPoints } from './points.ts';
import type { FolderInput, FolderOutput } from './tasks/read-folder.ts';
import { READ_FOLDER } from './tasks.ts';
import { canonical, type Fields, fromPlain, withStoredSecrets } from './values.ts';

export interface ChangesDeps {
  kinds: readonly Kind[];
  pool: WorkerPool;
  points: RollbackPoints;
}

/** What has to be done. */
export interface Changes {
  changes: Change[];
  kept: NamedObject[];
  unresolved: string[];
}

/** What is wanted of one kind. */
interface Wanted {
  items: Item[];
  /** What must not be there; null = nothing but the items, if pruned. */
  gone: ReadonlySet<string> | null;
  notes: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** Compares a folder, or a roll-back point, with what is there. Changes come in the order of the kinds, deletions last and in reverse. */
export async function findChanges({ kinds, pool, points }: ChangesDeps, body: PlanBody): Promise<Changes> {
  const { files, rollbackPoint } = body;
  if ((files === undefined) === (rollbackPoint === undefined))
    throw new ApiError('VALIDATION_FAILED', { reason: 'body needs either files or rollbackPoint' });
  const given = new Map(Object.entries(body.secrets ?? {}));
  const wanted =
    files === undefined
      ? await earlier(kinds, points, rollbackPoint as number)
      : await declared(kinds, pool, files, given);
  const prune = body.prune === true || files === undefined;
  const found: Changes = { changes: [], kept: [], unresolved: [] };
  const unresolved = new Set<string>();
  const deletions: Change[] = [];
  for (const kind of kinds) {
    const of = wanted.get(kind.id);
    if (of === undefined) continue;
    const before = new Map((await kind.read()).map((item) => [item.key, item]));
    const items = (await kind.prepare?.(before, of.items, given, unresolved)) ?? of.items;
    for (const item of items) {
      const old = before.get(item.key)?.fields ?? null;
      // a roll-back point has the whole object
      const settled =
        of.gone === null ? (kind.settle?.(old, item.fields, prune) ?? { ...old, ...item.fields }) : item.fields;
      const after = withStoredSecrets(settled, old ?? undefined, unresolved) as Fields;
      if (!prune && old !== null && kind.settle !== undefined && wouldPrune(kind, old, item))
        found.kept.push({ kind: kind.id, name: item.key });
      if (old !== null && canonical(old) === canonical(after)) continue;
      const action = old === null ? 'create' : 'change';
      const note = of.notes.get(item.key);
      const ref = before.get(item.key)?.ref;
      found.changes.push({ kind, action, key: item.key, ref, before: old, after, item, warnings: [], note });
    }
    const isWanted = new Set(of.items.map(({ key }) => key));
    const gone = [...before.values()].filter(({ key }) => of.gone?.has(key) ?? !isWanted.has(key)).reverse();
    if (prune)
      deletions.unshift(
        ...gone.map(({ key, ref, fields }): Change => {
          return { kind, action: 'delete', key, ref, before: fields, after: null, item: undefined, warnings: [] };
        }),
      );
    else found.kept.push(...gone.map(({ key }) => ({ kind: kind.id, name: key })).reverse());
  }
  for (const kind of kinds) {
    const items = wanted.get(kind.id)?.items ?? [];
    deletions.unshift(...(kind.follow?.([...found.changes, ...deletions], kind, items) ?? []));
  }
  found.changes.push(...deletions);
  found.unresolved = [...unresolved].sort();
  return found;
}

/** Whether pruning takes something of an object away, or replaces it. */
function wouldPrune(kind: Kind, old: Fields, { fields }: Item): boolean {
  const settled = (prune: boolean) =>
    canonical(withStoredSecrets(kind.settle?.(old, fields, prune) ?? fields, old, new Set()) as Fields);
  return settled(true) !== settled(false);
}

/** What the files of a folder describe. */
async function declared(
  kinds: readonly Kind[],
  pool: WorkerPool,
  files: FolderInput['files'],
  given: ReadonlyMap<string, string>,
): Promise<Map<string, Wanted>> {
  const shapes = kinds.flatMap(({ files }) => files).map(({ pattern, schema }) => ({ pattern, schema: plain(schema) }));
  const { docs, problems } = await pool.run<FolderInput, FolderOutput>(READ_FOLDER, { files, shapes });
  refuseFolder(problems);
  const wanted = new Map<string, Wanted>();
  const twice: Problem[] = [];
  for (const kind of kinds) {
    const own = docs.filter(({ path }) => kind.files.some(({ pattern }) => matches(pattern, path)));
    if (own.length === 0) continue;
    const items = kind.parse(own).map((item) => ({ ...item, fields: fromPlain(item.fields, given) as Fields }));
    const keys = new Set<string>();
    for (const item of items) {
      if (keys.has(item.key)) twice.push({ place: placeOf(item), message: `${kind.id} ${item.key} is there twice` });
      keys.add(item.key);
    }
    wanted.set(kind.id, { items, gone: null, notes: new Map() });
  }
  refuseFolder(twice);
  return wanted;
}

/** What a roll-back point wants back. */
async function earlier(kinds: readonly Kind[], points: RollbackPoints, id: number): Promise<Map<string, Wanted>> {
  const wanted = new Map<
    string,
    { items: Item[]; gone: Set<string>; notes: Map<string, Readonly<Record<string, string>>> }
  >();
  // those of one name are made in the order of their numbers
  const order = (a: { key: string }, b: { key: string }) => a.key.localeCompare(b.key, 'en', { numeric: true });
  for (const { kind, key: then, before, note } of (await points.read(id)).sort(order)) {
    const key = kinds.find((one) => one.id === kind)?.keyNow?.(then, before, note) ?? then;
    const of = wanted.get(kind) ?? { items: [] as Item[], gone: new Set<string>(), notes: new Map() };
    wanted.set(kind, of);
    if (before === null) of.gone.add(key);
    else of.items.push({ key, fields: before });
    if (note !== undefined) of.notes.set(key, note);
  }
  return wanted;
}

/** Lets the kinds say what is wrong with the changes. @throws ApiError FOLDER_INVALID */
export async function checkChanges(
  kinds: readonly Kind[],
  changes: readonly Change[],
  who: Pick<Context, 'principal' | 'actor' | 'stage'>,
): Promise<Context> {
  const problems: Problem[] = [];
  const context: Context = {
    ...who,
    changes,
    refuse: (change, error, place) =>
      problems.push(
        ...problemsOf(change, error).map((found) => ({ ...found, ...(place === undefined ? {} : { place }) })),
      ),
  };
  for (const kind of kinds) {
    const own = changes.filter((change) => change.kind === kind);
    if (own.length > 0) await kind.check(own, context);
  }
  refuseFolder(problems);
  return context;
}

/** A refusal, at its place in the folder. Faults of the daemon are no refusals. */
function problemsOf({ kind, key, item }: Change, error: unknown): Problem[] {
  if (!(error instanceof ApiError) || error.status >= 500) throw error;
  const named = (place: Place | null, message: string): Problem => ({
    place,
    // a kind of one object has its name
    message: key === kind.id ? `${key}: ${message}` : `${kind.id} ${key}: ${message}`,
  });
  const details = error.details ?? [];
  if (details.length === 0) return [named(placeOf(item), error.message)];
  return details.map(({ path, message }) => {
    const field = path.replace(/^body\.?(?:values\.)?/, '');
    return named(placeOf(item, field), `${field} ${message}`.trim());
  });
}

const matches = (pattern: string, path: string): boolean => {
  const [start = '', end] = pattern.split('*');
  return end === undefined ? path === pattern : path.startsWith(start) && path.endsWith(end);
};

/** A schema without what can’t go to a worker. */
const plain = (schema: object | null): object | null => (schema === null ? null : JSON.parse(JSON.stringify(schema)));
