import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf } from './common.ts';

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
  program: oneOf(LIVEKIT_PROGRAMS),
  state: oneOf(PROGRAM_STATES, {
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
