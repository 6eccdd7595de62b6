import { randomBytes } from 'node:crypto';
import { constants, cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TSchema } from 'typebox';
import { CONFIG_EDIT } from '#daemon/apps/config/tasks.ts';
import type { Scaffold } from '#daemon/apps/registry/scaffold.ts';
import { appMigrations } from '#daemon/platform/db/app/index.ts';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { ifMissing } from '#daemon/platform/files/file-errors.ts';
import { PLATFORM } from '#daemon/platform/principal.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { annotationsOf, propertiesOf } from '#shared/config/annotations.ts';
import { valueAt } from '#shared/config/cross-checks.ts';
import { defaultOf, secretReferences } from '#shared/config/defaults.ts';
import type { EditInput, EditResult } from '#shared/config/edit.ts';
import { type Edit, set } from '#shared/config/edits.ts';
import { parseConfig } from '#shared/config/parse.ts';
import { ConfigFile } from '#shared/config/schema.ts';
import { syncFolder } from '#shared/files/atomic-file.ts';

export interface RestoredApp {
  /** Name in the backup. */
  from: string;
  name: string;
  roomPrefix: string;
  /** Another app has its objects and ingests, so the copy must not touch them. */
  isCopy: boolean;
}

/**
 * Builds the folder of an app from another folder of an app.
 * @param secrets of the app, by name
 * @param how `copy`: the source stays, because it is the only one
 */
export async function buildFolder(
  source: string,
  appsDir: string,
  app: RestoredApp,
  pool: WorkerPool,
  secrets: Record<string, string>,
  how: 'move' | 'copy' = 'move',
): Promise<Scaffold> {
  const temporary = path.join(appsDir, `.new-${app.name}-${randomBytes(4).toString('hex')}`);
  if (how === 'move') await rename(source, temporary);
  try {
    if (how === 'copy') await cp(source, temporary, { recursive: true, mode: constants.COPYFILE_FICLONE });
    if (app.name !== app.from) await renameInConfig(path.join(temporary, 'config.yaml'), app, pool);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  return {
    secrets,
    settle: (id) => settleDatabase(path.join(temporary, 'app.db'), id, app),
    commit: async () => {
      await rename(temporary, path.join(appsDir, app.name));
      await syncFolder(appsDir);
    },
    discard: () => rm(temporary, { recursive: true, force: true }),
  };
}

/** The team that a restored app belongs to: its own, or none if that is gone. */
export const teamOf = ({ tenantId }: { tenantId: string }, teams: readonly { id: string }[]): string =>
  teams.some(({ id }) => id === tenantId) ? tenantId : PLATFORM;

/** The secrets that the backup has for an app, under the names of its new one. */
export async function secretsOf(unpacked: string, { from, name }: RestoredApp): Promise<Record<string, string>> {
  const text = await readFile(path.join(unpacked, 'data/secrets.json'), 'utf8').catch(ifMissing('{}'));
  const stored = JSON.parse(text) as Record<string, string>;
  const [old, next] = [secretReferences(from), secretReferences(name)];
  const found: Record<string, string> = {};
  for (const use of Object.keys(old) as (keyof typeof old)[]) {
    for (const [key, value] of Object.entries(stored)) {
      // credentials of older buckets and the choice of a role have a longer name
      const rest = key.slice(old[use].length);
      if (key.startsWith(old[use]) && /^(?:_ROLE)?(?:__[0-9a-f]{16})?$/.test(rest)) found[next[use] + rest] = value;
    }
  }
  return found;
}

/** Values that a new app gets from its name are those of the new name, wherever the old one had not changed them. */
async function renameInConfig(file: string, { from, name, roomPrefix }: RestoredApp, pool: WorkerPool): Promise<void> {
  const text = await readFile(file, 'utf8').catch(ifMissing(undefined));
  if (text === undefined) return;
  const { value } = parseConfig(text);
  if (value === null) return;
  const edits: Edit[] = templatePaths(ConfigFile).flatMap(({ place, schema }) =>
    valueAt(value, ...place) === defaultOf(schema, from) ? [set(place, defaultOf(schema, name))] : [],
  );
  edits.push(set('name', name), set('room_prefix', roomPrefix));
  const result = await pool.run<EditInput, EditResult>(CONFIG_EDIT, { app: name, text, edits, providers: 'any' });
  // a config that can't be edited is shown to people as it is
  if (result.unreadable === null) await writeFile(file, result.text, { mode: 0o600 });
}

function templatePaths(schema: TSchema, place: string[] = []): { place: string[]; schema: TSchema }[] {
  return Object.entries(propertiesOf(schema) ?? {}).flatMap(([key, property]) => {
    const here = [...place, key];
    return annotationsOf(property)['x-template'] === undefined
      ? templatePaths(property, here)
      : [{ place: here, schema: property }];
  });
}

/** The rows belong to the new app. A copy continues nothing that the original does. */
function settleDatabase(file: string, id: number, { name, isCopy }: RestoredApp): void {
  const db = openDatabase(file, { mustExist: true });
  try {
    migrate(db, appMigrations);
    db.transaction(() => {
      db.prepare('UPDATE streams SET app_id = ?').run(id);
      db.prepare('UPDATE vods SET app_id = ?').run(id);
      db.prepare('UPDATE ingress_auth SET app = ?').run(name);
      if (isCopy) db.exec(AS_COPY);
    })();
    db.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
}

/**
 * Deliveries, ingests and objects in buckets stay the original's: deleting the copy must not delete them. What was running
 * has ended for the copy.
 */
const AS_COPY = `
  DELETE FROM callback_outbox WHERE state = 'pending';
  DELETE FROM mqtt_outbox;
  DELETE FROM mqtt_retained;
  DELETE FROM ingress_auth;
  DELETE FROM ingress_sessions;
  DELETE FROM ingress_closed;
  DELETE FROM live_hls;
  DELETE FROM vod_moves;
  UPDATE streams SET status = 'ended', ended_at = started_at WHERE status = 'active';
  UPDATE room_sessions SET ended_at = started_at WHERE ended_at IS NULL;
  UPDATE vods SET status = 'failed', error = 'It was under way when the backup was made.'
    WHERE status IN ('starting', 'recording', 'uploading');
  UPDATE vods SET storage_provider = 'elsewhere'
    WHERE storage_bucket IS NOT NULL OR (storage_provider IS NULL AND local_path IS NULL);
`;
