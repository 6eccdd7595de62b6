import { matchesEtag } from '#daemon/platform/http/etag.ts';
import type { EditResult } from '#shared/config/edit.ts';
import { ApiError } from '#shared/errors.ts';
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
): ApiError {
  const errors = verdict.diagnostics.filter((finding) => finding.severity === 'error');
  // a conflict with another app rather than a fault of the text
  const [first] = errors;
  const isPrefix = first !== undefined && errors.every((finding) => finding.code === 'prefix-taken');
  return new ApiError(
    isPrefix ? 'ROOM_PREFIX_TAKEN' : code,
    { reason: (isPrefix ? first.message : verdict.error) ?? 'unknown' },
    { details: errors.map(({ path, message }) => ({ path, message })), extra: { diagnostics: verdict.diagnostics } },
  );
}

/** A text that cannot be read, a fault that was there before, or a fault of this change. */
export function editError(
  result: EditResult,
  verdict: Verdict,
  whenUnreadable: 'CONFIG_INVALID' | undefined,
): ApiError {
  if (result.unreadable !== null) {
    return invalidConfig({ ...verdict, error: result.unreadable }, whenUnreadable ?? 'CONFIG_UNREADABLE');
  }
  const errors = verdict.diagnostics.filter((finding) => finding.severity === 'error');
  const changed = verdict.check.changedKeys;
  const isOwn = errors.every(({ path }) =>
    changed.some((key) => path === key || path.startsWith(`${key}[`) || path.startsWith(`${key}.`)),
  );
  return invalidConfig(verdict, isOwn ? 'CONFIG_INVALID' : (whenUnreadable ?? 'CONFIG_UNREADABLE'));
}

/** A verdict as the API answers it. */
export function resultOf({ valid, error, warnings, diagnostics, check }: Verdict): ValidateResult {
  const errors = error === null ? [] : [error];
  return { valid, warnings, error, errors, diff: check.diff, changed: check.changed, diagnostics };
}
