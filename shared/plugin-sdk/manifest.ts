import { type Static, Type } from 'typebox';

/** File name of a plugin's manifest, at the root of its folder. */
export const MANIFEST_FILE = 'plugin.json';

/** Ids of plugins, presets and providers. Presets may use capitals. */
export const ID_PATTERN = '^[a-z0-9][a-z0-9-]{0,62}[a-z0-9]$';
export const PRESET_ID_PATTERN = '^[A-Za-z0-9][A-Za-z0-9-]{0,62}[A-Za-z0-9]$';

/** A path inside the plugin's folder: relative, forward slashes, no `..`, no leading dot. */
export const INSIDE_PATTERN = '^(?!.*(?:^|/)\\.)[A-Za-z0-9@_.-]+(?:/[A-Za-z0-9@_.-]+)*$';

const text = (maxLength: number, description: string) => Type.String({ minLength: 1, maxLength, description });

/** A storage provider that the plugin's `entry` exports. */
export const StorageProviderContribution = Type.Object(
  {
    id: Type.String({ pattern: ID_PATTERN, description: 'Value of `s3.provider`; unique among all plugins.' }),
    title: text(80, 'Name shown to people.'),
    description: Type.Optional(text(500, 'One sentence that helps people choose a provider.')),
    egressTarget: Type.Optional(
      Type.Boolean({
        description:
          'LiveKit writes recordings to it: the provider has `egressTarget`. Without it, recordings are made in the app’s folder, and the daemon moves them with `put`.',
      }),
    ),
    inAppFolder: Type.Optional(
      Type.Boolean({
        description:
          'Its objects are files below the app’s folder, and the daemon serves them. Only for built-in plugins.',
      }),
    ),
  },
  { additionalProperties: false },
);

/**
 * `plugin.json`: what a plugin is and what it contributes. It is data: the host reads and verifies it without running
 * anything of the plugin. Unknown keys are reported as warnings, wrong ones keep the plugin from loading.
 */
export const PluginManifest = Type.Object(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors; ignored.' })),
    id: Type.String({ pattern: ID_PATTERN, description: 'Unique name, lowercase letters, digits and dashes.' }),
    version: Type.String({
      pattern: '^\\d+\\.\\d+\\.\\d+(?:[-+][0-9A-Za-z.+-]+)?$',
      description: 'Semantic version of the plugin.',
    }),
    api: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'Range of plugin API versions it works with, e.g. `^1.0.0`.',
    }),
    title: text(80, 'Name shown to people.'),
    description: Type.Optional(text(500, 'What it adds, in one sentence.')),
    author: Type.Optional(text(120, 'Its author.')),
    license: Type.Optional(text(120, 'SPDX licence expression.')),
    documentation: Type.Optional(
      Type.String({
        pattern: INSIDE_PATTERN,
        maxLength: 255,
        description: 'Markdown file inside the plugin that explains it, at most 64 KiB; GET /plugins/{id} shows it.',
      }),
    ),
    homepage: Type.Optional(Type.String({ pattern: '^https?://', maxLength: 255, description: 'Where to read more.' })),
    entry: Type.Optional(
      Type.String({
        pattern: INSIDE_PATTERN,
        maxLength: 255,
        description: 'Module whose default export is the result of `definePlugin`; required for storage providers.',
      }),
    ),
    files: Type.Optional(
      Type.Record(Type.String({ pattern: INSIDE_PATTERN }), Type.String({ pattern: '^[0-9a-f]{64}$' }), {
        maxProperties: 1000,
        description: 'SHA-256 of every other file, written by `streamhub plugin pack`; the host checks them.',
      }),
    ),
    contributes: Type.Object(
      {
        presets: Type.Optional(
          Type.Array(Type.String({ pattern: INSIDE_PATTERN, maxLength: 255 }), {
            maxItems: 100,
            description: 'Preset files (YAML or JSON) inside the plugin, in the order of listing.',
          }),
        ),
        storageProviders: Type.Optional(
          Type.Array(StorageProviderContribution, {
            maxItems: 20,
            description: 'Providers that `entry` exports, with the same ids.',
          }),
        ),
      },
      { additionalProperties: false, description: 'What the plugin adds; at least one list.' },
    ),
  },
  { additionalProperties: false },
);
export type PluginManifest = Static<typeof PluginManifest>;
