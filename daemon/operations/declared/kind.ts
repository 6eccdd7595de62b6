import type { TSchema } from 'typebox';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { ApiError } from '#shared/errors.ts';
import type { DoneChange, PlannedAction } from '#shared/schema/declared.ts';
import type { Answer } from './answers.ts';
import { type Fields, SecretValue } from './values.ts';

/** A file of the folder that belongs to a kind. */
interface FileShape {
  /** Path; `*` stands for the name of an app. */
  pattern: string;
  /** Null: the text is taken as it is. */
  schema: TSchema | null;
}

/** A place in a file, from 1. */
export interface Place {
  file: string;
  line: number;
  column: number;
}

/** A file that was read. */
export interface Doc {
  path: string;
  /** Name that stands for `*`. */
  name: string;
  /** Text, or checked data with references as texts. */
  value: unknown;
  /** Where the parts of the data are, by path such as `0.people.1`; `` is the whole. */
  places: Readonly<Record<string, readonly [line: number, column: number]>>;
}

/** A file to write. */
export type NewDoc = { path: string } & ({ text: string } | { value: unknown });

/** One object, as it is or as a folder wants it. */
export interface Item<F extends object = Fields> {
  /** Stable name of the object among those of its kind. */
  key: string;
  fields: F;
  /** What the daemon knows it by, for kinds that replace objects. */
  ref?: number;
  doc?: Doc;
  /** Path of the object in its file. */
  at?: string;
}

/** What has to be done for one object. */
export interface Change {
  readonly kind: Kind;
  readonly action: PlannedAction;
  readonly key: string;
  readonly before: Fields | null;
  readonly after: Fields | null;
  readonly item: Item | undefined;
  readonly warnings: string[];
  /** How the object changes, if the kind shows it in another way than as YAML. */
  diff?: string;
  /** The object that is there, for kinds that replace objects. */
  readonly ref?: number | undefined;
  /** What only a roll-back, or an apply that continues, needs. */
  note?: Readonly<Record<string, string>> | undefined;
  /** The apply was begun by an earlier process. `before` is as it is now, this as it was then. */
  readonly begun?: Fields | null;
}

/** What an answer says of a change. */
export const named = ({ action, kind, key }: Change): DoneChange => ({ action, kind: kind.id, name: key });

/** Who changes something, and what the answer tells of it. */
export interface Context {
  principal: Principal;
  actor: Actor;
  /** All changes of the plan, e.g. to know which apps will be there. */
  changes: readonly Change[];
  /** `plan` does nothing that takes long or is seen outside. */
  stage: 'plan' | 'apply';
  /** Notes why a change is refused. */
  refuse(change: Change, error: unknown, place?: Place): void;
}

/** What applying adds to the answer. */
export interface Outcome extends Pick<Answer, 'tokens' | 'invites'> {
  readonly warnings: string[];
  /** Before a change is made: what a roll-back, or a process that continues, needs beside the state before. */
  note(change: Change, note: Record<string, string>): Promise<void>;
  /** Stores the tokens and invitations so far. */
  keep(): Promise<void>;
  /** Changes were made. Throws if the apply is to stop. */
  done(...changes: Change[]): Promise<void>;
}

/**
 * One kind of object that a folder can describe. Everything is read, checked and changed through the service that the API
 * uses, so its rules and events apply.
 */
export interface Kind {
  /** One word or two, for people. */
  readonly id: string;
  readonly files: readonly FileShape[];
  /** The objects that files describe. */
  parse(docs: readonly Doc[]): Item[];
  /** The files for objects. */
  compose(items: readonly Item[]): NewDoc[];
  read(): Item[] | Promise<Item[]>;
  /** The objects as they may leave the daemon, where that needs more than references; says what can’t. */
  toExport?(items: readonly Item[], warnings: string[]): Promise<Item[]>;
  /** Key that an object of a roll-back point has now; by default, the key that it had. */
  keyNow?(key: string, fields: Fields | null, note: Change['note']): string;
  /** What the object is to be: by default, fields that the folder leaves out stay. */
  settle?(before: Fields | null, wanted: Fields, prune: boolean): Fields;
  /** Prepares a comparison for all objects together, e.g. in a worker. */
  prepare?(
    before: ReadonlyMap<string, Item>,
    wanted: readonly Item[],
    given: ReadonlyMap<string, string>,
    unresolved: Set<string>,
  ): Promise<Item[]>;
  /** Says what is wrong with changes, as far as that can be known before the first is made. */
  check(changes: readonly Change[], context: Context): void | Promise<void>;
  /** Deletions that follow from the changes that were found. @param wanted objects of the kind that are to stay */
  follow?(changes: readonly Change[], kind: Kind, wanted: readonly Item[]): Change[];
  /**
   * Makes changes, in their order. A kill may come at any point of it, and the same changes are then made again: what was
   * made already must not be made twice.
   */
  apply(changes: readonly Change[], context: Context, outcome: Outcome): Promise<void>;
  /** Whether a change of an apply that continues was made already. Undefined: it was, if the object is as it is to be. */
  isMade?(change: Change): boolean | undefined;
}

/** Whether a plan shows a field without the value of its secret, which is to be given for the apply. */
export const isAwaited = ({ item, after }: Change, { stage }: Context, field: string): boolean =>
  stage === 'plan' && after?.[field] === undefined && item?.fields[field] instanceof SecretValue;

/** Why a place of the folder is refused. */
export interface Problem {
  place: Place | null;
  message: string;
}

/** Where an object, or a field of it, is in the folder. */
export function placeOf(item: Item | undefined, field = ''): Place | null {
  if (item?.doc === undefined) return null;
  const { path: file, places } = item.doc;
  for (let at = [item.at, field].filter(Boolean).join('.'); ; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    const found = places[at];
    if (found !== undefined) return { file, line: found[0], column: found[1] };
    if (at === '') return { file, line: 1, column: 1 };
  }
}

/** @throws ApiError FOLDER_INVALID with all problems */
export function refuseFolder(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const details = problems.slice(0, 100).map(({ place, message }) => ({
    path: place === null ? '' : `${place.file}:${place.line}:${place.column}`,
    message,
  }));
  const [first] = details;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const reason = [first?.path, first?.message].filter(Boolean).join(' ');
  throw new ApiError('FOLDER_INVALID', { reason: `${reason}${more}` }, { details });
}

/** Keys for objects whose names may occur more than once: `name`, `name (2)`, … in order. */
export function numbered<T>(list: readonly T[], nameOf: (one: T) => string): { key: string; one: T }[] {
  const taken = new Set<string>();
  return list.map((one) => {
    const name = nameOf(one);
    let key = name;
    for (let number = 2; taken.has(key); number++) key = `${name} (${number})`;
    taken.add(key);
    return { key, one };
  });
}

/** An object without fields that are undefined. */
export const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;

/** Text order that is the same on every machine. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
