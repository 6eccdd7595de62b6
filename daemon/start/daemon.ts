import type { AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { applyRestore } from '#daemon/operations/backup/restore.ts';
import { noteVersion, openRegistry } from '#daemon/operations/backup/upgrade.ts';
import { type DataDir, lockDataDir, prepareDataDir, writeRunFile } from '#daemon/platform/data-dir.ts';
import type { Logging } from '#daemon/platform/logs/logger.ts';
import { publicBase, type Settings } from '#daemon/platform/settings.ts';
import { VERSION } from '#daemon/platform/version.ts';
import { hostInUrl } from '#shared/format.ts';
import { buildApp } from './app.ts';
import { type FirstStart, seed } from './first-start.ts';
import { createServices, type Given, type Services } from './services.ts';

export interface RunningDaemon {
  /** Where it listens, e.g. `http://127.0.0.1:3020`. */
  url: string;
  services: Services;
  app: FastifyInstance;
  dir: DataDir;
  /** What a first start made; the token is in memory only until it is printed. */
  firstStart: FirstStart;
  /** Finishes running requests, flushes, checkpoints, releases the DATA_DIR. */
  stop(): Promise<void>;
}

/**
 * Starts a daemon in this process. Several can live in one process on different DATA_DIRs.
 */
export async function startDaemon(settings: Settings, logging: Logging, given: Given = {}): Promise<RunningDaemon> {
  const dir = prepareDataDir(settings.dataDir);
  const unlock = lockDataDir(dir);
  let services: Services | undefined;
  try {
    const restored = await applyRestore(dir.root);
    if (restored !== undefined) {
      prepareDataDir(dir.root);
      logging.log.warn({ backup: restored.backup, kept: restored.replaced }, 'everything was restored from a backup');
    }
    const { db, copy } = await openRegistry(dir);
    if (copy !== undefined)
      logging.log.info({ from: copy.from, to: copy.to, copy: copy.folder }, 'copied the databases before the upgrade');
    services = createServices(settings, logging, db, given);
    noteVersion(db);
    await services.start();
    const seeded = await seed(services);
    const app = await buildApp(services);
    await app.listen({ port: settings.port, host: settings.host });
    services.listening.port = (app.server.address() as AddressInfo).port;
    const url = addressOf(app);
    services.listening.url = url;
    const running = services;
    const { certificate } = running;
    const announce = (): void =>
      writeRunFile(dir, {
        url,
        pid: process.pid,
        version: VERSION,
        ...(certificate === undefined ? {} : { fingerprint: certificate.fingerprint }),
      });
    running.managedLiveKit.begin();
    // neither is a reason not to start
    await running.background.run('data/daemon.json', announce);
    certificate?.watch(app.server as unknown as TlsServer, announce);
    let setup: FirstStart['setup'] = null;
    await running.background.run('set-up link', () => {
      setup = running.auth.issueSetupLink(publicBase(settings) ?? url);
    });
    const firstStart: FirstStart = { ...seeded, setup };
    return {
      url,
      services: running,
      app,
      dir,
      firstStart,
      stop: async () => {
        try {
          await app.close();
          await running.stop();
        } finally {
          unlock();
        }
      },
    };
  } catch (error) {
    await services?.stop().catch(() => {});
    unlock();
    throw error;
  }
}

function addressOf(app: FastifyInstance): string {
  const { address, port } = app.server.address() as AddressInfo;
  const host = address === '0.0.0.0' || address === '::' ? 'localhost' : hostInUrl(address);
  return `${app.server instanceof TlsServer ? 'https' : 'http'}://${host}:${port}`;
}
