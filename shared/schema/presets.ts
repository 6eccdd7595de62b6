import { type Static, Type } from 'typebox';
import { nullable, object } from './common.ts';

export const PresetView = object({
  id: Type.String({ examples: ['low-latency'] }),
  name: Type.String({ description: 'The same as id.' }),
  title: Type.String(),
  description: Type.String(),
  useCase: Type.String(),
  latency: Type.Optional(Type.String({ description: 'Delay that viewers can expect.' })),
  cost: Type.Optional(Type.String({ description: 'What it asks of the server.' })),
  sets: Type.Array(Type.String(), { description: 'What it sets, as `key = value`.' }),
  plugin: Type.String({ description: 'Plugin that brings it.' }),
});
export type PresetView = Static<typeof PresetView>;

export const PresetParams = object({
  name: Type.String({ description: 'Name of the app.', examples: ['live'] }),
  preset: Type.String({ description: 'Id of the preset; upper and lower case count.', examples: ['low-latency'] }),
});

const outcome = {
  preset: Type.String(),
  changed: Type.Array(Type.String(), { description: 'Dotted keys whose value changes.' }),
  diff: Type.String({
    description: 'Every line of the merged view, marked with two spaces, `- ` or `+ `; empty when equal.',
  }),
  warnings: Type.Array(Type.String()),
};

export const PresetApplied = object({ ...outcome, applied: Type.Literal(true), reloaded: Type.Boolean() });
export type PresetApplied = Static<typeof PresetApplied>;

export const PresetPreview = object({
  ...outcome,
  error: nullable(Type.String(), { description: 'Why it could not be applied; null when it could.' }),
});
export type PresetPreview = Static<typeof PresetPreview>;
