import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { testStorageProvider } from 'streamhub/plugin-sdk/conformance';
import { local } from '../../../plugins/storage-local/local.ts';

const appFolder = mkdtempSync(path.join(os.tmpdir(), 'streamhub-local-'));
after(() => rm(appFolder, { recursive: true, force: true }));

testStorageProvider(local, { settings: {}, credentials: {}, appFolder });
