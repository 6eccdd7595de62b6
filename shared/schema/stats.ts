import { type Static, Type } from 'typebox';
import { Instant, nullable, object } from './common.ts';

const bytes = (description: string) => Type.Integer({ minimum: 0, description });

export const Health = object({
  status: Type.Literal('ok'),
  up: Type.Literal(true),
  version: Type.String(),
  ts: Instant,
  uptimeSeconds: Type.Integer(),
});
export type Health = Static<typeof Health>;

export const ReadyCheck = object({
  name: Type.String({ description: 'What was checked.', examples: ['registry'] }),
  ok: Type.Boolean(),
  detail: Type.Optional(Type.String({ description: 'What is wrong with it.' })),
});
export type ReadyCheck = Static<typeof ReadyCheck>;

export const Readiness = object({ status: Type.Literal('ready'), checks: Type.Array(ReadyCheck) });
export type Readiness = Static<typeof Readiness>;

const WorkerCount = object(
  {
    reachable: Type.Boolean(),
    active: Type.Integer({ description: 'Egress: starting, active or ending. Ingress: publishing.' }),
    total: Type.Integer(),
  },
  { title: 'WorkerCount' },
);

export const ServerStats = object({
  host: Type.Optional(
    Type.Literal(false, {
      description: 'Present for an app token, which may not see the machine: its values are 0 and `disk` is null.',
    }),
  ),
  ts: Instant,
  uptimeSeconds: Type.Integer({ description: 'Time since the daemon started.' }),
  version: Type.String(),
  cpu: object({
    loadAvg: Type.Array(Type.Number(), { minItems: 3, maxItems: 3, description: 'Over 1, 5 and 15 minutes.' }),
    cores: Type.Number({ description: 'Processors; a fraction where a container has a quota.' }),
  }),
  memory: object({
    totalBytes: bytes('Of the host.'),
    freeBytes: bytes('Of the host.'),
    usedBytes: bytes('Total minus free.'),
  }),
  disk: nullable(
    object({
      totalBytes: bytes('File system of the data directory.'),
      freeBytes: bytes('What a user other than root can still write.'),
      usedBytes: bytes('Used space.'),
    }),
    { description: 'Null if the file system can’t be read.' },
  ),
  livekitReachable: Type.Boolean({ description: 'LiveKit responded to the last request.' }),
  counts: object({
    apps: Type.Integer(),
    rooms: Type.Integer({ description: 'Rooms open in LiveKit; 0 while it is unreachable.' }),
    activeStreams: Type.Integer({ description: 'Live streams of all apps.' }),
  }),
  egress: WorkerCount,
  ingress: WorkerCount,
  storage: object({
    dbSizeBytes: bytes('Registry database with its WAL.'),
    appsDbSizeBytes: bytes('All app databases with their WALs.'),
    totalDbSizeBytes: bytes('Both together.'),
    vodTotalBytes: bytes('Total size of all VOD rows, with their ladders.'),
    vodCount: Type.Integer({ description: 'VOD rows with any status.' }),
    vodFailed: Type.Integer({ description: 'VOD rows that failed.' }),
  }),
});
export type ServerStats = Static<typeof ServerStats>;

/** What one app holds and carries now. */
export const AppFigures = object({
  name: Type.String(),
  activeStreams: Type.Integer({ description: 'Live streams.' }),
  wasLive: Type.Boolean({ description: 'Someone has published here.' }),
  vodCount: Type.Integer({ description: 'VOD rows with any status.' }),
  vodFailed: Type.Integer({ description: 'VOD rows that failed.' }),
  vodBytes: bytes('Total size of all VOD rows, with their ladders.'),
  dbBytes: bytes('app.db with its WAL and shared-memory file.'),
});
export type AppFigures = Static<typeof AppFigures>;
