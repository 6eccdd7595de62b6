import { type Static, Type } from 'typebox';
import { nullable, object, oneOf } from './common.ts';

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
  origin: oneOf(['built-in', 'installed'], { description: 'Shipped with StreamHub, or put into <DATA_DIR>/plugins.' }),
  state: oneOf(['verified', 'loaded', 'failed'], {
    description:
      '`verified`: manifest, files and presets are right. `loaded`: its code answered as its manifest says. `failed`: see `reason`.',
  }),
  reason: nullable(Type.String({ description: 'Why it failed.' })),
  problems: Type.Array(Problem, { description: 'The same piece by piece; empty unless it failed.' }),
  warnings: Type.Array(Type.String(), { description: 'Faults that do not keep it from working.' }),
  presets: Type.Array(object({ id: Type.String(), title: Type.String() })),
  storageProviders: Type.Array(object({ id: Type.String(), title: Type.String() })),
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
