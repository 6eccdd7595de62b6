import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf } from './common.ts';

/** What becomes of a plugin, in order; the last three are ways out of it. */
const PLUGIN_STATES = [
  'discovered',
  'verified',
  'loaded',
  'running',
  'stopping',
  'failed',
  'disabled',
  'quarantined',
] as const;
export type PluginState = (typeof PLUGIN_STATES)[number];

const Named = object({ id: Type.String(), title: Type.String() });

/** A process that runs a plugin's code. */
const PluginProcessView = object({
  app: nullable(Type.String({ description: 'App that it works for; null = forms and settings.' })),
  state: oneOf(['starting', 'running', 'stopping'], {
    description: '`stopping`: it finishes work that began with code since replaced.',
  }),
  since: Instant,
  memoryBytes: Type.Integer({ description: 'Resident memory, where the system tells it; else 0.' }),
});

/** One thing that is wrong with a plugin. */
const Problem = object({
  code: Type.String({ description: 'Stable word for it; docs/plugins.md lists all.', examples: ['MANIFEST_INVALID'] }),
  file: nullable(Type.String({ description: 'File below the plugin’s folder; null = the plugin as a whole.' })),
  key: nullable(Type.String({ description: 'Dotted path of the key in that file.' })),
  message: Type.String(),
  cure: Type.String({ description: 'What the author can do about it.' }),
});

const pluginFields = {
  id: Type.String({ examples: ['storage-s3'] }),
  version: nullable(Type.String()),
  title: Type.String(),
  description: Type.String(),
  author: nullable(Type.String()),
  license: nullable(Type.String()),
  homepage: nullable(Type.String()),
  origin: oneOf(['built-in', 'installed', 'npm'], {
    description: 'Shipped with StreamHub, put into <DATA_DIR>/plugins, or installed there with npm.',
  }),
  enabled: Type.Boolean({ description: 'False after `disable`, until `enable`.' }),
  state: oneOf(PLUGIN_STATES, {
    description:
      '`discovered`: found, not looked at yet. `verified`: manifest, files and presets are right; its code was not needed yet. ' +
      '`loaded`: its code answered as its manifest says. `running`: its code is at work or ready for it. ' +
      '`stopping`: disabled, finishing what is under way. `failed`: see `reason`. `disabled`: switched off. ' +
      '`quarantined`: it crashed again and again and is not started any more until it is enabled or all are reloaded.',
  }),
  since: Type.String({ format: 'date-time', description: 'Since when it is in this state; ISO-8601, UTC.' }),
  reason: nullable(Type.String({ description: 'Why it is in this state, where that is no matter of course.' })),
  problems: Type.Array(Problem, {
    description: 'What keeps it from loading, piece by piece; empty unless it failed.',
  }),
  lastFault: nullable(
    object({ at: Instant, reason: Type.String() }, { description: 'The last thing that went wrong with its code.' }),
  ),
  crashes: Type.Integer({ description: 'Crashes since it was last enabled or reloaded.' }),
  warnings: Type.Array(Type.String(), { description: 'Faults that do not keep it from working.' }),
  presets: Type.Array(Named),
  storageProviders: Type.Array(Named),
  isolation: oneOf(['data', 'thread', 'process'], {
    description:
      '`data`: it has no code. `thread`: built in, in worker threads. `process`: in processes of its own, one an app.',
  }),
  permissions: Type.Array(Type.String(), { description: 'What its code may do, in words.' }),
  limits: nullable(
    object({
      memoryMb: Type.Integer({ description: 'Resident memory of one process, MiB.' }),
      loadSeconds: Type.Integer({ description: 'Loading. A call that needs no network has 5 seconds.' }),
      callSeconds: Type.Integer({ description: 'A call that asks the storage.' }),
    }),
    { description: 'Limits of its code; null where it has none.' },
  ),
  processes: Type.Array(PluginProcessView),
};

/** A plugin as the daemon found it. */
export const PluginView = object(pluginFields);
export type PluginView = Static<typeof PluginView>;

/** The same with what its author writes about it. */
export const PluginDetail = object({
  ...pluginFields,
  documentation: nullable(Type.String({ description: 'Markdown from the plugin; not to be trusted as HTML.' })),
});
export type PluginDetail = Static<typeof PluginDetail>;

export const PluginParams = object({ id: Type.String({ description: 'Id of the plugin.' }) });
