import { matchesEtag } from '#daemon/platform/http/etag.ts';
import type { Diagnostic } from '#shared/config/diagnostic.ts';
import type { EditResult } from '#shared/config/edit.ts';
import type { Edit } from '#shared/config/edits.ts';
import { ApiError, type ErrorDetail, fieldErrors } from '#shared/errors.ts';
import type { ValidateResult } from '#shared/schema/config.ts';
import { becomesPublic } from './context-checks.ts';
import type { ConfigEntry, Verdict } from './entry.ts';

/** The text on the disk. Throws CONFIG_MISSING, CONFIG_UNREADABLE, or what the disk refuses. */
export function requireText(entry: ConfigEntry): { text: string; etag: string } {
  if (entry.disk.kind === 'text') return entry.disk;
  if (entry.disk.kind === 'missing') throw new ApiError('CONFIG_MISSING', { name: entry.app });
  throw entry.disk.refusal ?? new ApiError('CONFIG_UNREADABLE', { reason: entry.disk.reason });
}

/** @throws PRECONDITION_FAILED when the write is based on another version of the config */
export function requireMatch(entry: ConfigEntry, ifMatch: string | undefined): void {
  if (ifMatch === undefined) return;
  const etag = entry.disk.kind === 'text' ? entry.disk.etag : null;
  if (etag !== null && matchesEtag(ifMatch, etag)) return;
  const yaml = entry.disk.kind === 'text' ? entry.shown : null;
  throw new ApiError(
    'PRECONDITION_FAILED',
    { what: 'The config' },
    { extra: { current: { etag, yaml } }, ...(etag === null ? {} : { headers: { etag } }) },
  );
}

/** @throws STORAGE_PUBLIC_UNCONFIRMED for a first public address without confirmation */
export function requireConsent(
  entry: ConfigEntry,
  verdict: Verdict,
  options: { confirmPublic?: boolean | undefined },
): void {
  const { config } = verdict.check;
  if (config !== null && !options.confirmPublic && becomesPublic(entry.inForce, config)) {
    throw new ApiError('STORAGE_PUBLIC_UNCONFIRMED');
  }
}

/** The error for an invalid text, with all findings. */
export function invalidConfig(
  verdict: Verdict,
  code: 'CONFIG_INVALID' | 'CONFIG_UNREADABLE' = 'CONFIG_INVALID',
  details: ErrorDetail[] = errorsOf(verdict).map(({ path, message }) => ({ path, message })),
): ApiError {
  const errors = errorsOf(verdict);
  const [first] = errors;
  const isPrefix = first !== undefined && isPrefixConflict(errors);
  return new ApiError(
    isPrefix ? 'ROOM_PREFIX_TAKEN' : code,
    { reason: (isPrefix ? first.message : verdict.error) ?? 'unknown' },
    { details, extra: { diagnostics: verdict.diagnostics } },
  );
}

/** A text that cannot be read, a fault that was there before, or a fault of this change; with the fields of the request that have it. */
export function editError(
  { unreadable }: EditResult,
  verdict: Verdict,
  edits: readonly Edit[],
  whenUnreadable: 'CONFIG_INVALID' | undefined,
): ApiError {
  if (unreadable !== null)
    return invalidConfig({ ...verdict, error: unreadable }, whenUnreadable ?? 'CONFIG_UNREADABLE');
  const errors = errorsOf(verdict);
  const changed = verdict.check.changedKeys;
  const isOwn = errors.every(({ path }) =>
    changed.some((key) => path === key || path.startsWith(`${key}[`) || path.startsWith(`${key}.`)),
  );
  if (!isOwn) return invalidConfig(verdict, whenUnreadable ?? 'CONFIG_UNREADABLE');
  const fields = new Map(edits.map((edit) => [edit.path.join('.'), 'field' in edit ? edit.field : undefined]));
  const details = errors.flatMap(({ path, message }) => {
    const field = fields.get(path);
    return field === undefined ? [] : [{ path: field, message }];
  });
  if (details.length < errors.length) return invalidConfig(verdict);
  return isPrefixConflict(errors) ? invalidConfig(verdict, 'CONFIG_INVALID', details) : fieldErrors(details);
}

const errorsOf = ({ diagnostics }: Verdict): Diagnostic[] => diagnostics.filter(({ severity }) => severity === 'error');

/** A conflict with another app rather than a fault of the text. */
const isPrefixConflict = (errors: readonly Diagnostic[]): boolean =>
  errors.every(({ code }) => code === 'prefix-taken');

/** A verdict as the API answers it. */
export function resultOf({ valid, error, warnings, diagnostics, check }: Verdict): ValidateResult {
  const errors = error === null ? [] : [error];
  return { valid, warnings, error, errors, diff: check.diff, changed: check.changed, diagnostics };
}
