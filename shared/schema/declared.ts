import { type Static, Type } from 'typebox';
import { MAX_DECLARED_FILES } from '../limits.ts';
import { Instant, nullable, object, oneOf, RowId } from './common.ts';

export const DeclaredFile = object(
  {
    path: Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'Path in the folder, with `/`.',
      examples: ['apps/live/config.yaml'],
    }),
    text: Type.String({ maxLength: 262_144, description: 'Text of the file.' }),
  },
  { title: 'ConfigurationFile' },
);
export type DeclaredFile = Static<typeof DeclaredFile>;

export const Export = object({
  files: Type.Array(DeclaredFile, { description: 'Sorted by path.' }),
  secrets: Type.Array(Type.String(), { description: 'Names of the secrets that the files refer to.' }),
  warnings: Type.Array(Type.String(), { description: 'What could not be exported, and why.' }),
});
export type Export = Static<typeof Export>;

const wanted = {
  files: Type.Optional(
    Type.Array(DeclaredFile, {
      maxItems: MAX_DECLARED_FILES,
      description: 'The folder. What it doesn’t mention stays as it is.',
    }),
  ),
  rollbackPoint: Type.Optional(
    RowId({ description: 'In place of `files`: the state of everything that an earlier apply changed, before it.' }),
  ),
  secrets: Type.Optional(
    Type.Record(Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,127}$' }), Type.String({ maxLength: 65_536 }), {
      maxProperties: 5000,
      description: `Values of references such as \`\${secret:NAME}\`, by name. A secret without a value keeps the value that is stored. Never returned.`,
    }),
  ),
  prune: Type.Optional(
    Type.Boolean({
      description:
        'Also delete what the folder doesn’t have, of the kinds of which it has a file. Default: false, nothing is deleted.',
    }),
  ),
};

export const PlanBody = object(wanted);
export type PlanBody = Static<typeof PlanBody>;

export const ApplyBody = object({
  ...wanted,
  fingerprint: Type.String({ minLength: 1, maxLength: 128, description: 'Of the plan that was reviewed.' }),
});
export type ApplyBody = Static<typeof ApplyBody>;

const ACTIONS = ['create', 'change', 'delete'] as const;
const action = oneOf(ACTIONS, { title: 'ConfigurationAction' });
export type PlannedAction = (typeof ACTIONS)[number];
const named = {
  kind: Type.String({ description: 'Kind of the object.', examples: ['app', 'team', 'token'] }),
  name: Type.String({ description: 'Name of the object.' }),
};

export const PlannedChange = object({
  action,
  ...named,
  diff: Type.String({
    description: 'Lines with `+`, `-` or a blank in front. A secret is shown only as set or changed.',
  }),
  warnings: Type.Array(Type.String()),
});
export type PlannedChange = Static<typeof PlannedChange>;

const NamedObject = object(named, { title: 'NamedObject' });
export type NamedObject = Static<typeof NamedObject>;

export const Plan = object({
  fingerprint: Type.String({ description: 'Of these changes. `POST /apply` makes exactly them, or none.' }),
  changes: Type.Array(PlannedChange, { description: 'In the order in which they are made. Empty: nothing to do.' }),
  kept: Type.Array(NamedObject, { description: 'What the folder doesn’t have and `prune` would delete.' }),
  unresolved: Type.Array(Type.String(), {
    description:
      'Names of secrets that have no value here and are not stored. What needs them works only once they are set.',
  }),
  warnings: Type.Array(Type.String()),
});
export type Plan = Static<typeof Plan>;

const Done = object({ action, ...named }, { title: 'ConfigurationChange' });
export type DoneChange = Static<typeof Done>;

export const Applied = object(
  {
    changes: Type.Array(Done, { description: 'What was changed, in this order.' }),
    rollbackPoint: nullable(RowId(), {
      description: 'For going back to the state before. `null`: nothing was changed.',
    }),
    tokens: Type.Array(
      object({
        name: Type.String(),
        id: Type.Integer(),
        token: Type.String({ description: 'Shown only in this answer.' }),
      }),
      { description: 'The API tokens that were created.' },
    ),
    invites: Type.Array(
      object({
        team: Type.String(),
        email: Type.String(),
        emailSent: Type.Boolean(),
        inviteUrl: Type.Optional(Type.String({ description: 'Only if it was not emailed, and only in this answer.' })),
      }),
      { description: 'The people who were invited.' },
    ),
    warnings: Type.Array(Type.String()),
  },
  { title: 'AppliedConfiguration' },
);
export type Applied = Static<typeof Applied>;

export const RollbackPoint = object({
  id: RowId(),
  createdAt: Instant,
  createdBy: Type.String(),
  state: oneOf(['applying', 'applied', 'stopped', 'cancelled', 'interrupted'], {
    description:
      '`stopped`: a change failed. `interrupted`: the daemon ended before the last change; only of earlier versions.',
  }),
  job: nullable(RowId(), { description: 'The job that applies. `null`: of an earlier version.' }),
  changes: Type.Array(Done, { description: 'What the apply was to change.' }),
  made: nullable(Type.Integer({ minimum: 0 }), {
    description: 'How many of the changes were made, in their order. `null`: unknown, of an earlier version.',
  }),
  answer: Type.Boolean({ description: 'Something is left that the one who applied can read once.' }),
});
export type RollbackPoint = Static<typeof RollbackPoint>;
