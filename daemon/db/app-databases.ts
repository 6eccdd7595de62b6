import path from 'node:path';
import { appMigrations } from './app/index.ts';
import { migrate } from './migrate.ts';
import { type Db, openDatabase } from './open.ts';

const MAX_OPEN = 64;

/** Handles of the apps' databases: opened when first needed, the least recently used closed beyond 64. */
export class AppDatabases {
  readonly #appsDir: string;
  readonly #open = new Map<string, Db>();
  #template: Buffer | undefined;

  constructor(appsDir: string) {
    this.#appsDir = appsDir;
  }

  /** Path of an app's database. */
  file(app: string): string {
    return path.join(this.#appsDir, app, 'app.db');
  }

  /** The app's database, up to date. Do not keep the handle across awaits. Throws when the file is missing or corrupt. */
  get(app: string): Db {
    let db = this.#open.get(app);
    if (db === undefined) {
      db = openDatabase(this.file(app), { mustExist: true });
      try {
        migrate(db, appMigrations);
      } catch (error) {
        db.close();
        throw error;
      }
    } else this.#open.delete(app);
    this.#open.set(app, db);
    if (this.#open.size > MAX_OPEN) {
      const oldest = this.#open.keys().next().value as string;
      this.close(oldest);
    }
    return db;
  }

  /** Bytes of an empty, migrated app database: a new app's file is a copy of it, so that creating one costs no SQL. */
  template(): Buffer {
    if (this.#template === undefined) {
      const db = openDatabase(':memory:');
      migrate(db, appMigrations);
      this.#template = db.serialize();
      db.close();
    }
    return this.#template;
  }

  close(app: string): void {
    this.#open.get(app)?.close();
    this.#open.delete(app);
  }

  closeAll(): void {
    for (const app of [...this.#open.keys()]) this.close(app);
  }
}
