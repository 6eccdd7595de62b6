import type { ResultOf } from '#shared/contract/operation.ts';
import { listPlugins } from '#shared/contract/plugins.ts';
import { listPresets } from '#shared/contract/presets.ts';
import { listStorageProviders } from '#shared/contract/s3.ts';
import type { PluginState } from '#shared/schema/plugins.ts';
import type { Tone } from '../../ui/feedback/state.tsx';

export type Plugin = ResultOf<typeof listPlugins>['data'][number];

export const PLUGIN_TONES: Record<PluginState, Tone> = {
  discovered: 'busy',
  verified: 'ok',
  loaded: 'ok',
  running: 'ok',
  stopping: 'busy',
  failed: 'danger',
  disabled: 'muted',
  quarantined: 'danger',
};

/** What a state means, in a sentence. */
export const PLUGIN_MEANINGS: Record<PluginState, string> = {
  discovered: 'Found, not checked yet.',
  verified: 'Its files are valid. Its code was not needed yet.',
  loaded: 'Its code matches its manifest. It starts when it is needed.',
  running: 'Its code is running or ready.',
  stopping: 'Disabled. Running work has 30 seconds to finish.',
  failed: 'It isn’t used. The reason says why.',
  disabled: 'It isn’t used until you enable it.',
  quarantined: 'It crashed repeatedly, so it isn’t started until you try it again.',
};

export const ORIGINS: Record<Plugin['origin'], string> = {
  'built-in': 'built in',
  installed: 'the plugin folder',
  npm: 'npm',
};

export const ISOLATION: Record<Plugin['isolation'], string> = {
  data: 'Nothing: it has no code',
  thread: 'Worker threads of the daemon',
  process: 'Separate processes, one for each app',
};

/** What is read again after a change of plugins. */
export const REFRESHES = [listPlugins, listPresets, listStorageProviders];
/** Downloading and loading may take their whole limits; milliseconds. */
export const PATIENCE = 240_000;

/** Needs a person. */
export const isBroken = (plugin: Pick<Plugin, 'state'>): boolean =>
  plugin.state === 'failed' || plugin.state === 'quarantined';

export const brings = (plugin: Plugin): string =>
  [...plugin.presets, ...plugin.storageProviders].map((one) => one.title).join(', ');
