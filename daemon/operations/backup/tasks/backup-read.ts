import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { MessagePort } from 'node:worker_threads';
import { openStorage } from '#daemon/apps/storage/open-client.ts';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { type BackupFault, faultOf, type Manifest, type SchemaVersions } from '../manifest.ts';
import { readBackup } from '../read.ts';
import { endOf } from '../task-end.ts';
import { type BackupRequest, type BackupStorage, paced, storageFault } from './backup-write.ts';

export interface BackupReadInput {
  /** The file; unused with `storage`. */
  file: string;
  storage: BackupStorage | null;
  passphrase: string;
  /** Folder that is made for the work. `unpack` leaves the files there. */
  into: string;
  mode: 'check' | 'unpack';
  /** Unpacks only this app, and the files that tell what belongs to it. */
  app: string | null;
  knows: SchemaVersions;
  port: MessagePort;
}

export type BackupReadOutput =
  | { manifest: Omit<Manifest, 'files' | 'folders'>; files: number; rows: number; databases: number }
  | { fault: BackupFault };

/** Reads a backup to its end. Ends with the port: the daemon closes it to stop the work. */
export default async function backupRead(input: BackupReadInput): Promise<BackupReadOutput> {
  const { port, storage, into, mode, app } = input;
  const signal = await endOf(port);
  const tell = paced((progress) => port.postMessage(progress satisfies BackupRequest));
  const wanted = (place: string): boolean =>
    app === null || place === 'data/secrets.json' || place === `apps/${app}` || place.startsWith(`apps/${app}/`);
  const read = (source: Parameters<typeof readBackup>[0]): ReturnType<typeof readBackup> =>
    readBackup(source, {
      ...input,
      wanted,
      tell: (done, total) => tell(mode === 'check' ? 'verify' : 'unpack', done, total),
      signal,
    });
  try {
    await rm(into, { recursive: true, force: true });
    await makeFolder(into);
    const { manifest, rows, databases } =
      storage === null
        ? await read(createReadStream(input.file))
        : await withPlugins(storage.port, async (broker) => {
            const { client } = await openStorage(storage.access, broker);
            try {
              return await read((await client.get(storage.key, { signal })).body);
            } finally {
              client.dispose();
            }
          });
    if (mode === 'check') await rm(into, { recursive: true, force: true });
    const { files, folders: _, ...rest } = manifest;
    return { manifest: rest, files: files.length, rows, databases };
  } catch (error) {
    await rm(into, { recursive: true, force: true }).catch(() => {});
    signal.throwIfAborted();
    const fault = storageFault(error) ?? faultOf(error);
    if (fault === undefined) throw error;
    return { fault };
  } finally {
    port.close();
  }
}
