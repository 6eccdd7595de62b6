import type { Background } from '#daemon/platform/background.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import { installHint } from '#daemon/platform/programs.ts';
import type { InstallationWarnings } from '#daemon/platform/warnings.ts';
import type { AppEntry } from '../registry/registry.ts';
import type { DeliveryService } from './service.ts';

export interface FfmpegWatchDeps {
  apps: { entries(): Iterable<AppEntry> };
  delivery: DeliveryService;
  warnings: InstallationWarnings;
  events: EventBus;
  background: Background;
}

const LOOK_EVERY_MS = 60_000;

/** Warns operators while ffmpeg is missing and an app needs it, with the command that installs it. */
export class FfmpegWatch {
  readonly #deps: FfmpegWatchDeps;
  #repeated: ReturnType<Background['every']> | undefined;

  constructor(deps: FfmpegWatchDeps) {
    this.#deps = deps;
    deps.events.subscribe(({ type }) => {
      if (type === 'config.changed' || type === 'config.reloaded' || type === 'app.deleted') this.#repeated?.soon();
    });
  }

  start(): void {
    this.#repeated = this.#deps.background.every('ffmpeg check', LOOK_EVERY_MS, () => this.#look(), { first: 0 });
  }

  async stop(): Promise<void> {
    await this.#repeated?.stop();
  }

  async #look(): Promise<void> {
    const { delivery, warnings } = this.#deps;
    const needed = (await delivery.findFfmpeg()) ? [] : await this.#appsInNeed();
    const [first] = needed;
    if (first === undefined) return warnings.remove('FFMPEG_MISSING', 'ffmpeg');
    const which = needed.length === 1 ? `the app ${first}` : `${needed.length} apps, e.g. ${first},`;
    const message = `Recordings of ${which} get no HLS ladder: ffmpeg is not installed on this machine. Install it with: ${await installHint('ffmpeg')}`;
    warnings.add('FFMPEG_MISSING', 'ffmpeg', message);
  }

  async #appsInNeed(): Promise<string[]> {
    const { apps, delivery } = this.#deps;
    const needed: string[] = [];
    for (const { name } of [...apps.entries()]) {
      // a config that can't be read is another problem
      const plan = await delivery.plan(name).catch(() => undefined);
      if (plan?.notices.some(({ code }) => code === 'NO_FFMPEG')) needed.push(name);
    }
    return needed;
  }
}
