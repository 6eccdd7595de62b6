import type { ResultOf } from '#shared/contract/operation.ts';
import type { listPlugins } from '#shared/contract/plugins.ts';
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
  discovered: 'Found, not looked at yet.',
  verified: 'Its files are right. Its code was not needed yet.',
  loaded: 'Its code answered as its manifest says. It starts when it is needed.',
  running: 'Its code is at work, or ready for it.',
  stopping: 'Disabled. Work under way has 30 seconds to finish.',
  failed: 'It takes no part.',
  disabled: 'It takes no part until it is enabled.',
  quarantined: 'It crashed again and again, so it is not started any more until it is tried again.',
};

export const ORIGINS: Record<Plugin['origin'], string> = {
  'built-in': 'built in',
  installed: 'the plugin folder',
  npm: 'npm',
};

export const ISOLATION: Record<Plugin['isolation'], string> = {
  data: 'Nothing: it has no code',
  thread: 'Worker threads of the daemon',
  process: 'Processes of its own, one for each app',
};

/** Needs a person. */
export const isBroken = (plugin: Pick<Plugin, 'state'>): boolean =>
  plugin.state === 'failed' || plugin.state === 'quarantined';

export const brings = (plugin: Plugin): string =>
  [...plugin.presets, ...plugin.storageProviders].map((one) => one.title).join(', ');
