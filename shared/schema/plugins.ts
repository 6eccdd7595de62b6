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

const Named = object({ id: Type.String(), title: Type.String() }, { title: 'PluginItem' });

/** A process that runs a plugin's code. */
const PluginProcessView = object(
  {
    app: nullable(Type.String({ description: 'App that the process serves; null: forms and settings.' })),
    state: oneOf(['starting', 'running', 'stopping'], {
      title: 'PluginProcessState',
      description: '`stopping`: it finishes work that began with code that has been replaced.',
    }),
    since: Instant,
    memoryBytes: Type.Integer({ description: 'Resident memory, or 0 if the system doesn’t report it.' }),
  },
  { title: 'PluginProcess' },
);

/** One thing that is wrong with a plugin. */
const Problem = object(
  {
    code: Type.String({ description: 'Stable code; docs/plugins.md lists all.', examples: ['MANIFEST_INVALID'] }),
    file: nullable(Type.String({ description: 'File in the plugin’s folder; null: the whole plugin.' })),
    key: nullable(Type.String({ description: 'Dotted path of the key in that file.' })),
    message: Type.String(),
    cure: Type.String({ description: 'What the plugin’s author can do about it.' }),
  },
  { title: 'PluginProblem' },
);

const pluginFields = {
  id: Type.String({ examples: ['storage-s3'] }),
  version: nullable(Type.String()),
  title: Type.String(),
  description: Type.String(),
  author: nullable(Type.String()),
  license: nullable(Type.String()),
  homepage: nullable(Type.String()),
  origin: oneOf(['built-in', 'installed', 'npm'], {
    title: 'PluginOrigin',
    description: 'Included with StreamHub, copied to <DATA_DIR>/plugins, or installed there with npm.',
  }),
  enabled: Type.Boolean({ description: 'False from `disable` until `enable`.' }),
  state: oneOf(PLUGIN_STATES, {
    title: 'PluginState',
    description:
      '`discovered`: found, not checked yet. `verified`: manifest, files and presets are valid; the code was not needed yet. ' +
      '`loaded`: the code matches the manifest. `running`: the code is working or ready. ' +
      '`stopping`: disabled, finishing running work. `failed`: see `reason`. `disabled`: switched off. ' +
      '`quarantined`: it crashed repeatedly and doesn’t start until you enable it or reload all plugins.',
  }),
  since: Type.String({ format: 'date-time', description: 'Time of the last state change; ISO 8601, UTC.' }),
  reason: nullable(Type.String({ description: 'Why it is in this state, if there is a special reason.' })),
  problems: Type.Array(Problem, {
    description: 'Problems that prevent loading; empty unless the state is `failed`.',
  }),
  lastFault: nullable(
    object(
      { at: Instant, reason: Type.String() },
      { title: 'PluginFault', description: 'The last error in its code.' },
    ),
  ),
  crashes: Type.Integer({ description: 'Crashes since it was last enabled or reloaded.' }),
  warnings: Type.Array(Type.String(), { description: 'Problems that don’t prevent it from working.' }),
  presets: Type.Array(Named),
  storageProviders: Type.Array(Named),
  isolation: oneOf(['data', 'thread', 'process'], {
    title: 'PluginIsolation',
    description:
      '`data`: no code. `thread`: built in, in worker threads. `process`: in separate processes, one per app.',
  }),
  permissions: Type.Array(Type.String(), { description: 'What its code may access, as a sentence.' }),
  limits: nullable(
    object(
      {
        memoryMb: Type.Integer({ description: 'Resident memory of one process, in MiB.' }),
        loadSeconds: Type.Integer({
          description: 'Time limit for loading. A call without network access has 5 seconds.',
        }),
        callSeconds: Type.Integer({ description: 'Time limit for a call that uses the storage.' }),
      },
      { title: 'PluginLimits' },
    ),
    { description: 'Limits for its code; null if it has none.' },
  ),
  processes: Type.Array(PluginProcessView),
};

/** A plugin as the daemon found it. */
export const PluginView = object(pluginFields, { title: 'Plugin' });
export type PluginView = Static<typeof PluginView>;

/** The same with what its author writes about it. */
export const PluginDetail = object({
  ...pluginFields,
  documentation: nullable(Type.String({ description: 'Markdown from the plugin. Don’t render it as trusted HTML.' })),
  usedBy: Type.Array(Type.String(), { description: 'Apps whose config names one of its storage providers.' }),
  previous: nullable(object({ version: nullable(Type.String()) }), {
    description: 'The version before the last update, which a rollback brings back; null if none is kept.',
  }),
});
export type PluginDetail = Static<typeof PluginDetail>;

export const PluginParams = object({ id: Type.String({ description: 'Id of the plugin.' }) });

const Sha256 = (description: string) =>
  Type.String({ pattern: '^[0-9A-Fa-f]{64}$', 'x-hint': '64 hexadecimal digits', description });

/** A plugin to download, where the body isn't the plugin itself. */
export const PluginFromUrl = object({
  url: Type.String({
    minLength: 1,
    maxLength: 2048,
    description:
      'Address of a packed plugin (.tgz) or a preset file: https, at most 5 redirects. The installation’s address rules, proxy and certificate authorities apply.',
    examples: ['https://example.com/my-store-1.2.0.tgz'],
  }),
  sha256: Sha256('SHA-256 of the file, compared before it is unpacked; `streamhub plugin pack` prints it.'),
});
export type PluginFromUrl = Static<typeof PluginFromUrl>;

export const InstallQuery = object({
  sha256: Type.Optional(Sha256('Expected SHA-256 of an uploaded file.')),
});

const force = Type.Optional(
  Type.Boolean({
    description:
      'Also if apps use a storage provider that will be gone. They record nothing until they have another one.',
  }),
);
export const ForceQuery = object({ force });
export const UpdateQuery = object({ ...InstallQuery.properties, force });
