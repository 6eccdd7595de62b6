import { defineStorageProvider, StorageError, Type } from 'streamhub/plugin-sdk';
import { LocalStorageClient } from './local-client.ts';

export const local = defineStorageProvider({
  id: 'local',
  capabilities: { bulkDelete: false, presign: false, versions: false, multipart: false },
  maxDeleteBatch: 500,
  credentials: [],
  settings: Type.Object({}),
  open({ appFolder }) {
    if (appFolder === undefined) throw new StorageError('UNSUPPORTED', { detail: 'No folder of an app was given.' });
    return new LocalStorageClient(appFolder);
  },
});
