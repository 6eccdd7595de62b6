import { VERSION } from '#daemon/platform/version.ts';
import { ApiError } from '#shared/errors.ts';
import type { Health, Readiness, ReadyCheck } from '#shared/schema/stats.ts';

/** Liveness and readiness. What the daemon cannot work without registers a check. */
export class HealthService {
  readonly #startedAt = performance.now();
  #health: { ms: number; is: Health } | undefined;
  readonly #checks = new Map<string, () => string | undefined | Promise<string | undefined>>();

  /** Whole seconds since this daemon was made. */
  get uptimeSeconds(): number {
    return Math.floor((performance.now() - this.#startedAt) / 1000);
  }

  /** Tests nothing: it responds as long as the process serves. Requests of the same millisecond share one object. */
  health(): Health {
    const ms = Date.now();
    if (this.#health?.ms !== ms) {
      const { uptimeSeconds } = this;
      const ts = new Date(ms).toISOString();
      this.#health = { ms, is: { status: 'ok', up: true, version: VERSION, ts, uptimeSeconds } };
    }
    return this.#health.is;
  }

  /** @param check answers what is wrong, or undefined when all is well; a throw counts as wrong */
  addCheck(name: string, check: () => string | undefined | Promise<string | undefined>): void {
    this.#checks.set(name, check);
  }

  /** What each check finds now. */
  checks(): Promise<ReadyCheck[]> {
    return Promise.all([...this.#checks].map(([name, check]) => outcome(name, check)));
  }

  /** @throws ApiError NOT_READY with all checks */
  async ready(): Promise<Readiness> {
    const checks = await this.checks();
    const wrong = checks.filter((check) => !check.ok);
    if (wrong.length > 0) {
      const reason = wrong.map((check) => `${check.name}: ${check.detail}`).join('; ');
      throw new ApiError('NOT_READY', { reason }, { extra: { checks } });
    }
    return { status: 'ready', checks };
  }
}

async function outcome(
  name: string,
  check: () => string | undefined | Promise<string | undefined>,
): Promise<ReadyCheck> {
  try {
    const detail = await check();
    return detail === undefined ? { name, ok: true } : { name, ok: false, detail };
  } catch (error) {
    // the message may name a path of this machine; the code is enough for a public answer
    return { name, ok: false, detail: (error as NodeJS.ErrnoException).code ?? 'failed' };
  }
}
