import type { CheckResult } from '#shared/config/check.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { type Diagnostic, wordsOf } from '#shared/config/diagnostic.ts';
import type { ApiError } from '#shared/errors.ts';
import type { ConfigProblem } from '#shared/schema/config.ts';
import type { DiskState } from './config-file.ts';
import type { ConfigWatch } from './watch.ts';

/** What the daemon holds of one app's config. */
export interface ConfigEntry {
  readonly app: string;
  readonly dir: string;
  watch: ConfigWatch;
  /** Something happened in the folder since the file was last looked at. */
  isDirty: boolean;
  /** The file as last read. */
  disk: DiskState;
  /** The text without its secrets; null when it couldn't be read and therefore must not be shown without them. */
  shown: string | null;
  /** The config that counts: of the file, or of the last file that was valid. */
  inForce: AppConfig;
  /** Remarks on the file. */
  warnings: string[];
  /** Why the file isn't active. */
  problem: ConfigProblem | null;
  /** Why the file cannot be written, and when that was looked at, on the monotonic clock. */
  writeProblem: { refusal: ApiError | undefined; lookedAt: number } | undefined;
  /** When the last backup of a hand edit was taken, as long as nothing else changed the config since. */
  handEditedAt: number;
  /** Forgets an inline secret in the log's filter. */
  releaseSecret: () => void;
}

/** A check with the daemon's own findings. */
export interface Verdict {
  check: CheckResult;
  valid: boolean;
  diagnostics: Diagnostic[];
  error: string | null;
  warnings: string[];
}

export function verdictOf(check: CheckResult, further: readonly Diagnostic[]): Verdict {
  const diagnostics = [...check.diagnostics, ...further].sort((a, b) => a.line - b.line || a.column - b.column);
  const { error, warnings } = wordsOf(diagnostics);
  return { check, valid: error === null, diagnostics, error, warnings };
}

/** A problem in its public form, from the reason or the verdict. */
export function problemOf(reason: string, diagnostics: Diagnostic[], before: ConfigProblem | null): ConfigProblem {
  const since = before?.message === reason ? before.since : new Date().toISOString();
  return { message: reason, since, diagnostics };
}
