import { setTimeout as wait } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { CheckGroup, CheckResult, CheckState } from '#shared/schema/check.ts';
import type { InstallationWarning } from '#shared/schema/settings.ts';

/** What a check found. Neither text may hold a secret. */
export interface Finding {
  state: CheckState;
  message: string;
  cure?: string;
}

/** Something to look at. */
export interface Check {
  id: string;
  group: CheckGroup;
  /** App, node or alert; none for the installation. */
  subject?: string;
  title: string;
  /** Milliseconds that it may take, unless those of the others. */
  limitMs?: number;
  /** A throw counts as failed. */
  run(): Finding | Promise<Finding>;
}

export const fine = (message: string): Finding => ({ state: 'ok', message });
export const skipped = (message: string): Finding => ({ state: 'skipped', message });
export const warning = (message: string, cure: string): Finding => ({ state: 'warning', message, cure });
export const failed = (message: string, cure: string): Finding => ({ state: 'failed', message, cure });

/** A warning that the installation has already. It says itself what to do. */
export const warningCheck = (title: string, { code, subject, message }: InstallationWarning): Check => ({
  id: `warning-${code.toLowerCase().replaceAll('_', '-')}`,
  group: 'machine',
  subject,
  title,
  run: () => ({ state: 'warning', message }),
});

const AT_ONCE = 8;
const LIMIT_MS = 20_000;

/**
 * Runs all checks, some at the same time, in the order of the list. Never rejects.
 * @param onBroken called with what a check threw
 */
export function runChecks(
  checks: readonly Check[],
  onBroken: (error: unknown, check: Check) => void,
  limitMs = LIMIT_MS,
): Promise<CheckResult[]> {
  const limit = pLimit(AT_ONCE);
  return Promise.all(checks.map((check) => limit(() => runCheck(check, onBroken, limitMs))));
}

async function runCheck(
  check: Check,
  onBroken: (error: unknown, check: Check) => void,
  limitMs: number,
): Promise<CheckResult> {
  const { id, group, subject = null, title } = check;
  const mayTakeMs = check.limitMs ?? limitMs;
  const start = performance.now();
  const stop = new AbortController();
  let finding: Finding;
  try {
    const late = wait(mayTakeMs, undefined, { signal: stop.signal, ref: false }).then(() =>
      failed(
        `No result within ${mayTakeMs / 1000} s.`,
        'Check the load of this machine and the network, then try again.',
      ),
    );
    finding = await Promise.race([Promise.resolve().then(() => check.run()), late]);
  } catch (error) {
    onBroken(error, check);
    finding = failed('It could not be checked.', 'Check the daemon’s log.');
  } finally {
    stop.abort();
  }
  return { id, group, subject, title, ...finding, durationMs: Math.round(performance.now() - start) };
}
