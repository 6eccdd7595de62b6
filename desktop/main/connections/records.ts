import path from 'node:path';
import { type Static, Type } from 'typebox';
import { Connection, ConnectionId, Snapshot } from '#shared/ipc/connections.ts';
import { Instant, nullable, object } from '#shared/schema/common.ts';
import { JsonFile } from '../files/json-file.ts';

const { state: _state, credential, ...kept } = Connection.properties;

/** A stored connection. Its secret is in the secret store, under the same id. */
export const ConnectionRecord = object({
  ...kept,
  credential: object({
    ...credential.properties,
    /** Module that put it into the keychain: another one may not find it. */
    module: nullable(Type.String()),
  }),
});
export type ConnectionRecord = Static<typeof ConnectionRecord>;

const ConnectionList = object({
  connections: Type.Array(ConnectionRecord),
  /** Removed connections whose secret could not be taken out of the keychain yet. */
  orphans: Type.Array(ConnectionId),
});
export type ConnectionList = Static<typeof ConnectionList>;

export const recordsFile = (folder: string): JsonFile<ConnectionList> =>
  new JsonFile({
    file: path.join(folder, 'connections.json'),
    version: 1,
    schema: ConnectionList,
    empty: () => ({ connections: [], orphans: [] }),
  });

/** What was seen of a daemon last. */
const Memory = object({
  lastSeenAt: nullable(Instant),
  version: nullable(Type.String()),
  snapshot: nullable(Snapshot),
});
export type Memory = Static<typeof Memory>;

export const memoriesFile = (folder: string): JsonFile<Record<string, Memory>> =>
  new JsonFile({
    file: path.join(folder, 'last-seen.json'),
    version: 1,
    schema: Type.Record(Type.String(), Memory),
    empty: () => ({}),
  });
