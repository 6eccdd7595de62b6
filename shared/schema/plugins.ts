import { type Static, Type } from 'typebox';
import { nullable, object, oneOf } from './common.ts';

/** A plugin as the daemon found it. */
export const PluginView = object({
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
  warnings: Type.Array(Type.String(), { description: 'Faults that do not keep it from working.' }),
  presets: Type.Array(object({ id: Type.String(), title: Type.String() })),
  storageProviders: Type.Array(object({ id: Type.String(), title: Type.String() })),
});
export type PluginView = Static<typeof PluginView>;

export const PluginParams = object({ id: Type.String({ description: 'Id of the plugin.' }) });
