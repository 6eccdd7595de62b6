import type { PluginService } from '#daemon/plugins/service.ts';
import { isRecord } from '#shared/config/case.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { mergePatch } from '#shared/config/edits.ts';
import { ApiError } from '#shared/errors.ts';
import { PROTECTED_KEYS, type Preset } from '#shared/plugin-sdk/preset.ts';
import type { PresetApplied, PresetPreview, PresetView } from '#shared/schema/presets.ts';
import type { ConfigService, WriteOptions } from '../config/service.ts';
import type { AppService } from '../registry/service.ts';

export interface PresetServiceDeps {
  apps: AppService;
  config: ConfigService;
  plugins: PluginService;
  delivery: { words(config: AppConfig): Promise<string[]> };
}

/** Named sets of config values: listed with what each sets, shown as a diff, applied in place. */
export class PresetService {
  readonly #deps: PresetServiceDeps;

  constructor(deps: PresetServiceDeps) {
    this.#deps = deps;
  }

  async list(app: string): Promise<PresetView[]> {
    this.#deps.apps.require(app);
    const presets = await this.#deps.plugins.presets();
    return presets.map(({ plugin, preset: { patch, ...words } }) => ({
      ...words,
      name: words.id,
      sets: effects(patch),
      plugin,
    }));
  }

  /** What applying it would change. */
  async preview(app: string, id: string): Promise<PresetPreview> {
    this.#deps.apps.require(app);
    const { patch } = await this.#require(id);
    const { outcome, before, after } = await this.#deps.config.previewConfig(app, mergePatch(patch));
    const { changedKeys, diff, warnings, error } = outcome;
    const { delivery } = this.#deps;
    return {
      preset: id,
      changed: changedKeys,
      diff,
      warnings,
      error,
      delivery: { before: await delivery.words(before), after: after === null ? [] : await delivery.words(after) },
    };
  }

  /** Merges a preset over the config. Nothing is written when nothing changes. */
  async apply(
    app: string,
    id: string,
    options: Pick<WriteOptions, 'actor' | 'ifMatch'>,
  ): Promise<PresetApplied & { etag: string }> {
    this.#deps.apps.require(app);
    const { patch } = await this.#require(id);
    const { changed, diff, warnings, etag } = await this.#deps.config.edit(app, mergePatch(patch), {
      ...options,
      reason: 'preset',
      detail: id,
      whenUnreadable: 'CONFIG_INVALID',
    });
    return { preset: id, applied: true, reloaded: true, changed, diff, warnings, etag };
  }

  async #require(id: string): Promise<Preset> {
    const found = (await this.#deps.plugins.presets()).find(({ preset }) => preset.id === id);
    if (found === undefined) throw new ApiError('PRESET_NOT_FOUND', { preset: id });
    return found.preset;
  }
}

/** A patch as lines `key = value`; what the host strips from it is left out. */
function effects(patch: Record<string, unknown>): string[] {
  const lines: string[] = [];
  const walk = (value: unknown, path: string) => {
    if (isRecord(value)) for (const [key, item] of Object.entries(value)) walk(item, `${path}.${key}`);
    else if (value === '') lines.push(`${path} = '' (where it is empty)`);
    else lines.push(`${path} = ${wordOf(value)}`);
  };
  for (const [key, value] of Object.entries(patch)) {
    if (!(PROTECTED_KEYS as readonly string[]).includes(key)) walk(value, key);
  }
  return lines;
}

/** A list of mappings with two keys reads as pairs: `1080/5000, 720/2800`. */
function wordOf(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  return value.map((item) => (isRecord(item) ? Object.values(item).join('/') : String(item))).join(', ');
}
