import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DaemonEvent } from '#daemon/platform/events/bus.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import type { EventType } from '#shared/schema/events.ts';
import type { Client, TestDaemon } from './daemon.ts';

/** The files of one app of a test daemon. */
export class AppFiles {
  readonly dir: string;
  constructor(daemon: TestDaemon, app: string) {
    this.dir = path.join(daemon.dataDir, 'apps', app);
  }
  read(): Promise<string> {
    return readFile(path.join(this.dir, 'config.yaml'), 'utf8');
  }
  /** As an editor does that writes in place. */
  write(text: string): Promise<void> {
    return writeFile(path.join(this.dir, 'config.yaml'), text);
  }
  /** Texts of the backups, newest first. */
  async backups(): Promise<string[]> {
    const names = (await readdir(this.dir)).filter((name) => name.startsWith('config.yaml.bak.'));
    return Promise.all(
      names
        .sort()
        .reverse()
        .map((name) => readFile(path.join(this.dir, name), 'utf8')),
    );
  }
  async leftovers(): Promise<string[]> {
    return (await readdir(this.dir)).filter((name) => name.endsWith('.tmp'));
  }
}

/** The next event of a type; listens from now on. */
export function nextEvent<T extends EventType>(daemon: TestDaemon, type: T, app: string): Promise<DaemonEvent<T>> {
  return new Promise((resolve) => {
    const stop = daemon.services.events.subscribe((event) => {
      if (event.type !== type || event.app !== app) return;
      stop();
      resolve(event as DaemonEvent<T>);
    });
  });
}

/** A client whose credential is a person with a role in the platform's team. */
export function clientOf(daemon: TestDaemon, role: 'owner' | 'editor' | 'viewer'): Client {
  const principal: Principal = {
    userId: `usr_${role}`,
    tenantId: 'platform',
    role,
    isSuperadmin: false,
    scope: 'user',
    via: 'user_jwt',
  };
  daemon.services.resolvers.unshift({ resolve: (credential) => (credential === `as-${role}` ? principal : undefined) });
  return daemon.api.as(`as-${role}`);
}
