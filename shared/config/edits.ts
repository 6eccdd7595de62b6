import { isRecord } from './case.ts';
import { PROTECTED_KEYS } from './protected-keys.ts';
import { own, put } from './values.ts';

/**
 * One change of a config: `set` a value (a list or scalar replaces what was there, a mapping too), `fill` it only where there is
 * nothing or an empty text, `remove` the key. The path names keys from the top; `field` is where the request has the value.
 */
export type Edit =
  | { op: 'set' | 'fill'; path: readonly string[]; value: unknown; field?: string }
  | { op: 'remove'; path: readonly string[] };

export const set = (path: string | readonly string[], value: unknown): Edit => ({
  op: 'set',
  path: parts(path),
  value,
});
const fill = (path: string | readonly string[], value: unknown): Edit => ({
  op: 'fill',
  path: parts(path),
  value,
});
export const remove = (path: string | readonly string[]): Edit => ({ op: 'remove', path: parts(path) });

const parts = (path: string | readonly string[]): readonly string[] =>
  typeof path === 'string' ? path.split('.') : path;

/** The data after the edits; the input is left alone. Mappings that are missing are made. */
export function applyEdits(value: Record<string, unknown>, edits: readonly Edit[]): Record<string, unknown> {
  const result = structuredClone(value);
  for (const edit of edits) apply(result, edit);
  return result;
}

function apply(root: Record<string, unknown>, edit: Edit): void {
  const key = edit.path.at(-1);
  if (key === undefined) return;
  let at = root;
  for (const part of edit.path.slice(0, -1)) {
    let next = own(at, part);
    if (!isRecord(next)) {
      if (edit.op === 'remove') return;
      next = {};
      put(at, part, next);
    }
    at = next as Record<string, unknown>;
  }
  if (edit.op === 'remove') {
    if (Object.hasOwn(at, key)) delete at[key];
    return;
  }
  const present = own(at, key);
  if (edit.op === 'fill' && present !== undefined && present !== null && present !== '') return;
  put(at, key, structuredClone(edit.value));
}

/**
 * A preset's patch as edits: mappings merge key by key, lists and scalars replace, an empty text only fills a gap, null and
 * undefined are left out, and the protected keys are stripped.
 */
export function mergePatch(patch: Record<string, unknown>): Edit[] {
  const edits: Edit[] = [];
  const walk = (value: unknown, path: string[]) => {
    if (value === undefined || value === null) return;
    if (value === '') edits.push(fill(path, ''));
    else if (!isRecord(value)) edits.push(set(path, value));
    else if (Object.keys(value).length === 0) edits.push(fill(path, {}));
    else for (const [key, item] of Object.entries(value)) walk(item, [...path, key]);
  };
  for (const [key, item] of Object.entries(patch)) {
    if (!(PROTECTED_KEYS as readonly string[]).includes(key) && key !== '__proto__') walk(item, [key]);
  }
  return edits;
}

/**
 * A missing `transcoding` block means "as rtmp.transcode says". Edits that would change that unasked (by making the block, or
 * by switching rtmp.transcode) get the value that was active written down.
 */
export function pinTranscoding(value: Record<string, unknown>, edits: readonly Edit[]): readonly Edit[] {
  if (isRecord(own(value, 'transcoding'))) return edits;
  const touches = (path: readonly string[]) =>
    path[0] === 'transcoding' || (path[0] === 'rtmp' && (path.length === 1 || path[1] === 'transcode'));
  const decides = edits.some(
    (edit) => edit.path.join('.') === 'transcoding.enabled' || edit.path.join('.') === 'transcoding',
  );
  if (decides || !edits.some((edit) => touches(edit.path))) return edits;
  return [set('transcoding.enabled', own(own(value, 'rtmp'), 'transcode') !== false), ...edits];
}
