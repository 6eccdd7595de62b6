import { type Static, Type } from 'typebox';
import { MAX_LIVEKIT_SETTINGS } from '../limits.ts';
import { Instant, MAX_INTEGER, nullable, object, oneOf } from './common.ts';

/** What the daemon runs for LiveKit on its own machine, in the order in which it starts. */
export const LIVEKIT_PROGRAMS = ['redis', 'livekit', 'egress', 'ingress'] as const;
export type LivekitProgram = (typeof LIVEKIT_PROGRAMS)[number];

const PROGRAM_STATES = ['off', 'waiting', 'starting', 'running', 'draining', 'stopping', 'failed', 'missing'] as const;
export type ProgramState = (typeof PROGRAM_STATES)[number];

const Port = object({
  name: Type.String({ description: 'What it is for.' }),
  port: Type.Integer(),
  protocol: oneOf(['tcp', 'udp']),
  address: Type.String({ description: 'Address on which it listens; `*` = every address.' }),
});
export type ListeningPort = Static<typeof Port>;

/** One program of LiveKit on the daemon's machine. */
export const ManagedProgram = object({
  program: oneOf(LIVEKIT_PROGRAMS, { title: 'LiveKitProgram' }),
  state: oneOf(PROGRAM_STATES, {
    title: 'ProgramState',
    description:
      '`waiting`: for another program. `draining`: told to shut down; open rooms and recordings finish first. `missing`: its program isn’t on this machine.',
  }),
  runsIn: nullable(oneOf(['process', 'container'])),
  pid: nullable(Type.Integer()),
  version: nullable(Type.String()),
  since: nullable(Instant, { description: 'When it was started.' }),
  restarts: Type.Integer({ description: 'How often it ended by itself and was started again.' }),
  ports: Type.Array(Port),
  problem: nullable(Type.String({ description: 'Why it isn’t running.' })),
  cure: nullable(Type.String({ description: 'Command that installs what is missing.' })),
});
export type ManagedProgram = Static<typeof ManagedProgram>;

const ROLL_OUTS = ['drain', 'next-start'] as const;
export type RollOut = (typeof ROLL_OUTS)[number];
const rollOut = Type.Optional(
  oneOf(ROLL_OUTS, {
    title: 'RollOut',
    description:
      'LiveKit reads its configuration only when it starts. `drain`: restart it when its last room has ended. `next-start` (default): wait for the next start.',
  }),
);

const Revision = object({
  revision: Type.Integer(),
  text: Type.String({ description: 'YAML, with LiveKit’s own names.' }),
  changedAt: Instant,
  changedBy: Type.String(),
});
export type LivekitRevision = Static<typeof Revision>;

/** LiveKit's own settings, as operators set them. */
export const LiveKitOwnSettings = object({
  text: Type.String({ description: 'The newest revision; empty if nothing is set.' }),
  revision: Type.Integer({ description: '0 = nothing was set yet.' }),
  etag: Type.String({ description: 'For `If-Match`; also in the header `ETag`.' }),
  schema: Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    additionalProperties: true,
    description: 'JSON Schema of the text.',
  }),
  revisions: Type.Array(Revision, { description: 'Newest first, at most 50.' }),
  targets: Type.Array(
    object({
      name: Type.String(),
      runs: nullable(Type.Integer(), { description: 'Revision that it was started with; null = it isn’t running.' }),
      isPending: Type.Boolean({ description: 'A restart would change its configuration.' }),
      problem: nullable(Type.String({ description: 'What holds it up.' })),
    }),
    { description: 'LiveKit servers that the daemon gives these settings to.' },
  ),
  keys: oneOf(['one', 'adding', 'both'], {
    description:
      '`adding`: a new key was made, and LiveKit gets it at its next start. `both`: the daemon uses the new key, and the old one is still accepted.',
  }),
  keysWaitFor: Type.Array(Type.String(), {
    description: 'While `adding`: servers that don’t accept the new key yet. The daemon uses it when all do.',
  }),
  oldKeyNeededUntil: nullable(Instant, { description: 'Until then join tokens with the old key can be valid.' }),
  paste: Type.String({
    description: 'For a LiveKit that others run: what its configuration needs. The key is a placeholder.',
  }),
});

export type LiveKitOwnSettings = Static<typeof LiveKitOwnSettings>;

export const PutLiveKitSettingsBody = object({
  text: Type.String({ maxLength: MAX_LIVEKIT_SETTINGS, description: 'YAML, with LiveKit’s own names.' }),
  rollOut,
});

export const RestoreLiveKitSettingsBody = object({
  revision: Type.Integer({ minimum: 1, maximum: MAX_INTEGER, description: 'Revision to bring back.' }),
  rollOut,
});

export const RotateLiveKitKeysBody = object({ rollOut });

export const ManagedLiveKit = object({
  mode: oneOf(['external', 'managed'], { description: 'LIVEKIT_MODE.' }),
  overriddenBy: nullable(Type.String(), {
    description:
      'Why no LiveKit is started although the mode is `managed`: an address or a key that is set outside and takes precedence.',
  }),
  wanted: oneOf(['running', 'stopped'], { description: '`stopped`: someone stopped it.' }),
  state: oneOf(PROGRAM_STATES, { description: 'State of the LiveKit server.' }),
  url: nullable(Type.String(), { description: 'Where the daemon reaches it.' }),
  publicUrl: nullable(Type.String(), { description: 'Where clients reach it.' }),
  restartNeeded: Type.Boolean({ description: 'It runs with another configuration than it would be started with.' }),
  programs: Type.Array(ManagedProgram),
  excludes: Type.Array(Type.String(), {
    description: 'What doesn’t work with the programs of this machine, in words.',
  }),
});
export type ManagedLiveKit = Static<typeof ManagedLiveKit>;

export const StopLiveKitBody = object({
  now: Type.Optional(
    Type.Boolean({
      description: 'End open rooms immediately. Default: false, wait until the last participant has left.',
    }),
  ),
});
