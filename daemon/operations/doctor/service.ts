import os from 'node:os';
import type { Log } from '#daemon/platform/log.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { VERSION } from '#daemon/platform/version.ts';
import type { CheckReport, CheckResult } from '#shared/schema/check.ts';
import { CHECK_GROUP_IDS } from '#shared/schema/check.ts';
import { type Check, runChecks } from './check.ts';

export interface DoctorDeps {
  /** All checks of this moment. */
  checks(caller: Principal): Promise<readonly Check[]>;
  about(): Omit<CheckReport['about'], 'version' | 'node' | 'platform' | 'system'>;
  settings(): CheckReport['settings'];
  errors(caller: Principal): Promise<CheckReport['errors']>;
  /** A text without secrets. */
  clean(text: string): string;
  log: Log<'error'>;
}

/** Looks at the whole installation and says what is wrong. */
export class Doctor {
  readonly #deps: DoctorDeps;
  #running: Promise<CheckReport> | undefined;

  constructor(deps: DoctorDeps) {
    this.#deps = deps;
  }

  /** Never rejects because of what is checked. Callers at the same time share one check. */
  check(caller: Principal): Promise<CheckReport> {
    this.#running ??= this.#check(caller).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #check(caller: Principal): Promise<CheckReport> {
    const { checks, about, settings, errors, clean, log } = this.#deps;
    const startedAt = new Date();
    const start = performance.now();
    const results = await runChecks(await checks(caller), (err, { id }) =>
      log.error({ err, check: id }, 'a check of the installation failed unexpectedly'),
    );
    return {
      ...reportOf(
        startedAt,
        performance.now() - start,
        results.map((result) => cleaned(result, clean)),
        about(),
      ),
      settings: settings(),
      errors: (await errors(caller)).map((one) => ({ ...one, message: clean(one.message) })),
    };
  }
}

/** A report of these results, in the order of their groups. */
export function reportOf(
  startedAt: Date,
  durationMs: number,
  results: readonly CheckResult[],
  about: Omit<CheckReport['about'], 'version' | 'node' | 'platform' | 'system'>,
): CheckReport {
  return {
    ok: results.every(({ state }) => state !== 'failed'),
    startedAt: startedAt.toISOString(),
    durationMs: Math.round(durationMs),
    about: {
      version: VERSION,
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
      system: os.release(),
      ...about,
    },
    checks: results.toSorted((a, b) => CHECK_GROUP_IDS.indexOf(a.group) - CHECK_GROUP_IDS.indexOf(b.group)),
    settings: [],
    errors: [],
  };
}

const cleaned = (result: CheckResult, clean: (text: string) => string): CheckResult => ({
  ...result,
  subject: result.subject === null ? null : clean(result.subject),
  message: clean(result.message),
  ...(result.cure === undefined ? {} : { cure: clean(result.cure) }),
});
