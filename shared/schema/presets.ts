import { type Static, Type } from 'typebox';
import { nullable, object } from './common.ts';

export const PresetView = object(
  {
    id: Type.String({ examples: ['low-latency'] }),
    name: Type.String({ description: 'Same as id.' }),
    title: Type.String(),
    description: Type.String(),
    useCase: Type.String(),
    latency: Type.Optional(Type.String({ description: 'Latency that viewers can expect.' })),
    cost: Type.Optional(Type.String({ description: 'Load on the server.' })),
    sets: Type.Array(Type.String(), { description: 'Values that it sets, as `key = value`.' }),
    plugin: Type.String({ description: 'Plugin that provides it.' }),
  },
  { title: 'Preset' },
);
export type PresetView = Static<typeof PresetView>;

export const PresetParams = object({
  name: Type.String({ description: 'Name of the app.', examples: ['live'] }),
  preset: Type.String({ description: 'Id of the preset, case-sensitive.', examples: ['low-latency'] }),
});

const outcome = {
  preset: Type.String(),
  changed: Type.Array(Type.String(), { description: 'Dotted keys whose values change.' }),
  diff: Type.String({
    description: 'Every line of the merged view, with the prefix two spaces, `- ` or `+ `; empty if equal.',
  }),
  warnings: Type.Array(Type.String()),
};

export const PresetApplied = object({ ...outcome, applied: Type.Literal(true), reloaded: Type.Boolean() });
export type PresetApplied = Static<typeof PresetApplied>;

export const PresetPreview = object({
  ...outcome,
  error: nullable(Type.String(), { description: 'Why it can’t be applied; null if it can.' }),
  delivery: object(
    {
      before: Type.Array(Type.String()),
      after: Type.Array(Type.String(), { description: 'Empty when the preset cannot be applied.' }),
    },
    { description: 'The delivery plan in sentences, as it is and as it would be.' },
  ),
});
export type PresetPreview = Static<typeof PresetPreview>;
