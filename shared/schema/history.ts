import { type Static, Type } from 'typebox';
import { QUALITY_MEASURES, type QualityMeasure } from '../rules/node-figures.ts';
import { Instant, nullable, object } from './common.ts';

export const LOAD_MEASURES = ['cpu', 'memory', 'disk', 'streams', 'rooms', 'participants', 'tx', 'rx'] as const;
export type LoadMeasure = (typeof LOAD_MEASURES)[number];
export type Measure = LoadMeasure | QualityMeasure;
/** What is written down of the daemon's machine and of each node, once a minute. */
export const MEASURES: readonly Measure[] = [...LOAD_MEASURES, ...QUALITY_MEASURES];
/** How long the figures are kept, minutes. */
export const HISTORY_MINUTES = 1440;

export const HistoryQuery = object({
  minutes: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: HISTORY_MINUTES,
      default: 60,
      description: 'Time range back from now. Above 6 hours each value is an average over 5 minutes.',
    }),
  ),
});
export type HistoryQuery = Static<typeof HistoryQuery>;

export const NodeHistoryQuery = object({
  ...HistoryQuery.properties,
  node: Type.Optional(Type.String({ maxLength: 64, description: 'Id of one node. Default: all nodes.' })),
});

const line = (description: string) =>
  Type.Optional(Type.Array(nullable(Type.Number()), { description: `${description} Null: no data.` }));

/** One value a step; a measure that was never told is absent. */
const lines = {
  cpu: line('CPU use, 0..1. For the daemon’s machine: load per core, which can exceed 1.'),
  memory: line('Memory use, 0..1.'),
  disk: line('Use of the file system that holds the data directory, 0..1.'),
  streams: line('Live streams.'),
  rooms: line('Rooms.'),
  participants: line('Participants.'),
  tx: line('Bytes sent per second.'),
  rx: line('Bytes received per second.'),
} satisfies Record<LoadMeasure, unknown>;

const Lines = object(lines, { title: 'LoadLines' });

const span = {
  from: Instant,
  stepSeconds: Type.Integer({ description: 'Interval between values.' }),
};

export const LoadHistory = object({ ...span, lines: Lines });
export type LoadHistory = Static<typeof LoadHistory>;

export const NodeHistory = object({ id: Type.String(), lines: Lines });
export type NodeHistory = Static<typeof NodeHistory>;

export const NodeHistories = object({ ...span, nodes: Type.Array(NodeHistory) });
export type NodeHistories = Static<typeof NodeHistories>;
