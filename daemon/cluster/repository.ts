import type { Db } from '#daemon/platform/db/open.ts';
import { shiftInstants } from '#daemon/platform/db/shift-instants.ts';

export interface NodeRow {
  id: string;
  name: string;
  url: string;
  ip: string | null;
  region: string | null;
  status: 'active' | 'draining' | 'disabled';
  created_at: string;
  token_hash: string | null;
  token_used: 0 | 1;
  drain_json: string | null;
}

export interface HeartbeatRow {
  node_id: string;
  last_seen_at: string;
  health: string;
  stats_json: string | null;
  agent_json: string | null;
  instance: string | null;
}

export interface JoinCodeRow {
  id: string;
  code_hash: string;
  name: string | null;
  uses: number;
  /** Ids of the nodes that joined with it. */
  used_json: string;
  created_at: string;
  expires_at: string;
  created_by: string;
}

export type StoredNode = NodeRow & { [K in Exclude<keyof HeartbeatRow, 'node_id'>]: HeartbeatRow[K] | null };

/** SQL of the cluster's tables. `telemetry` is a second connection whose commits do not wait for the disk. */
export function clusterRepository(db: Db, telemetry: Db) {
  const all = db.prepare<[], StoredNode>(
    `SELECT n.*, h.last_seen_at, h.health, h.stats_json, h.agent_json, h.instance
     FROM cluster_nodes n LEFT JOIN cluster_heartbeats h ON h.node_id = n.id`,
  );
  const insert = db.prepare<[NodeRow]>(
    `INSERT INTO cluster_nodes (id, name, url, ip, region, status, created_at, token_hash, token_used, drain_json)
     VALUES (@id, @name, @url, @ip, @region, @status, @created_at, @token_hash, @token_used, @drain_json)`,
  );
  const update = db.prepare<[NodeRow]>(
    `UPDATE cluster_nodes SET name = @name, url = @url, ip = @ip, region = @region, status = @status,
     token_hash = @token_hash, token_used = @token_used, drain_json = @drain_json WHERE id = @id`,
  );
  const remove = db.prepare<[string]>('DELETE FROM cluster_nodes WHERE id = ?');
  const bury = db.prepare<[string, string, string]>(
    'INSERT OR REPLACE INTO cluster_removed (token_hash, name, removed_at) VALUES (?, ?, ?)',
  );
  const prune = db.prepare<[string]>('DELETE FROM cluster_removed WHERE removed_at < ?');
  const buried = db.prepare<[], string>('SELECT token_hash FROM cluster_removed').pluck();
  const codes = db.prepare<[], JoinCodeRow>('SELECT * FROM cluster_join_codes');
  const insertCode = db.prepare<[JoinCodeRow]>(
    `INSERT INTO cluster_join_codes (id, code_hash, name, uses, used_json, created_at, expires_at, created_by)
     VALUES (@id, @code_hash, @name, @uses, @used_json, @created_at, @expires_at, @created_by)`,
  );
  const useCode = db.prepare<[string, string]>('UPDATE cluster_join_codes SET used_json = ? WHERE id = ?');
  const removeCode = db.prepare<[string]>('DELETE FROM cluster_join_codes WHERE id = ?');
  const readMeta = db.prepare<[string], string>('SELECT value FROM streamhub_meta WHERE key = ?').pluck();
  const writeMeta = db.prepare<[string, string, string]>(
    'INSERT OR REPLACE INTO streamhub_meta (key, value, updated_at) VALUES (?, ?, ?)',
  );
  const heartbeat = telemetry.prepare<[HeartbeatRow]>(
    `INSERT INTO cluster_heartbeats (node_id, last_seen_at, health, stats_json, agent_json, instance)
     VALUES (@node_id, @last_seen_at, @health, @stats_json, @agent_json, @instance)
     ON CONFLICT (node_id) DO UPDATE SET last_seen_at = excluded.last_seen_at, health = excluded.health,
       stats_json = excluded.stats_json, agent_json = excluded.agent_json,
       instance = excluded.instance`,
  );
  return {
    all: () => all.all(),
    insert: (row: NodeRow) => void insert.run(row),
    update: (row: NodeRow) => void update.run(row),
    remove: db.transaction((row: NodeRow, at: string) => {
      remove.run(row.id);
      if (row.token_hash !== null) bury.run(row.token_hash, row.name, at);
    }),
    /** Hashes of removed nodes' credentials. */
    removedHashes: (): Set<string> => new Set(buried.all() as string[]),
    /** Forgets removed nodes that are older than the instant. */
    forgetRemoved: (since: string) => void prune.run(since),
    /** After a jump of the clock. */
    shiftJoinCodes: (ms: number) => shiftInstants(db, 'cluster_join_codes', ['created_at', 'expires_at'], ms),
    /** Runs all of it or nothing. */
    transaction: <T>(work: () => T): T => db.transaction(work)(),
    joinCodes: () => codes.all(),
    insertJoinCode: (row: JoinCodeRow) => void insertCode.run(row),
    markJoinCode: (id: string, used: readonly string[]) => void useCode.run(JSON.stringify(used), id),
    removeJoinCode: (id: string) => void removeCode.run(id),
    readMeta: (key: string): string | undefined => readMeta.get(key) as string | undefined,
    writeMeta: (key: string, value: string, at: string) => void writeMeta.run(key, value, at),
    saveHeartbeats: telemetry.transaction((rows: readonly HeartbeatRow[]) => {
      for (const row of rows) heartbeat.run(row);
    }),
  };
}
export type ClusterRepository = ReturnType<typeof clusterRepository>;
