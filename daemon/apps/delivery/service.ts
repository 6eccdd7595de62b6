import { findProgram } from '#daemon/platform/programs.ts';
import { MASK } from '#shared/config/annotations.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { type HwaccelChoice, resolveHwaccel } from '#shared/config/hwaccel.ts';
import { type DeliveryPlan, deliveryPlan } from '#shared/delivery/plan.ts';
import { deliveryWords } from '#shared/delivery/words.ts';
import type { DeliveryView } from '#shared/schema/delivery.ts';
import type { GpuStatus } from '#shared/schema/gpu.ts';
import { hideSecretsIn, shownAddress } from '#shared/secrets.ts';
import { recordingPath } from '../storage/location.ts';

export interface DeliveryServiceDeps {
  config: { get(app: string): Promise<AppConfig> };
  plugins: { providerRefs(): Promise<Readonly<Record<string, { egressTarget: boolean }>>> };
  /** TRANSCODING_HWACCEL. */
  hwaccel: HwaccelChoice;
  /** Public address of the daemon. */
  daemonUrl(): string;
  /** Does a bucket refuse pages of other sites, as far as is known? */
  pages: { isRefused(block: AppConfig['s3']): boolean };
}

const STORAGES = { direct: 'bucket', folder: 'folder', moved: 'moved' } as const;

/** Makes the delivery plan of an app from its config and from what this installation can do. */
export class DeliveryService {
  readonly #deps: DeliveryServiceDeps;
  #providers: Awaited<ReturnType<DeliveryServiceDeps['plugins']['providerRefs']>> = {};
  #gpu: () => GpuStatus | undefined = () => undefined;
  /** As it was last seen. */
  #hasFfmpeg = false;

  constructor(deps: DeliveryServiceDeps) {
    this.#deps = deps;
  }

  /** The probe of the GPU belongs to a wing above. */
  readGpuFrom(gpu: { peek(): GpuStatus | undefined }): void {
    this.#gpu = () => gpu.peek();
  }

  /** The current plan. @throws ApiError APP_NOT_FOUND and the faults of the config */
  async plan(app: string): Promise<DeliveryPlan> {
    return this.planOf(await this.#deps.config.get(app));
  }

  /** The plan that a config would make. */
  async planOf(config: AppConfig): Promise<DeliveryPlan> {
    await this.findFfmpeg();
    this.#providers = await this.#deps.plugins.providerRefs();
    return this.#planOf(config);
  }

  /** Does a job follow each recording? From what was last seen of this machine. */
  makesLadders(config: AppConfig): boolean {
    return this.#planOf(config).vod !== null;
  }

  /** Looks for ffmpeg, which can be installed while the daemon runs. */
  async findFfmpeg(): Promise<boolean> {
    const found = await Promise.all([findProgram('ffmpeg'), findProgram('ffprobe')]);
    this.#hasFfmpeg = found.every((program) => program !== undefined);
    return this.#hasFfmpeg;
  }

  #planOf(config: AppConfig): DeliveryPlan {
    const { hwaccel, daemonUrl, pages } = this.#deps;
    return deliveryPlan(config, {
      storage: STORAGES[recordingPath(config.s3, this.#providers)],
      hasFfmpeg: this.#hasFfmpeg,
      hwaccel: resolveHwaccel(config.transcoding.hwaccel ?? hwaccel, this.#gpu()),
      daemonUrl: daemonUrl(),
      refusesPages: pages.isRefused(config.s3),
    });
  }

  async view(app: string): Promise<DeliveryView> {
    return viewOf(await this.plan(app));
  }

  /** In words, what viewers get with this config. */
  async words(config: AppConfig): Promise<string[]> {
    return hideSecretsIn(deliveryWords(await this.planOf(config)), MASK);
  }
}

function viewOf(plan: DeliveryPlan): DeliveryView {
  const { notices, ...rest } = plan;
  const mqtt = rest.mqtt && { ...rest.mqtt, url: shownAddress(rest.mqtt.url, MASK) };
  return hideSecretsIn({ summary: deliveryWords(plan), notices, plan: { ...rest, mqtt } }, MASK, false);
}
