import type { BackupLack } from '#shared/schema/backups.ts';

/** Version of the format. A reader refuses a higher one. */
export const FORMAT = 1;
export const MANIFEST_NAME = 'manifest.json';
/** What a backup's file name ends with: the programs `age`, `zstd` and `tar` open it, in this order. */
export const SUFFIX = '.tar.zst.age';
/** Name of a backup: the installation, and the time at which it was made. */
export const BACKUP_NAME = /^streamhub-[\w-]+?(?:-(\d{8}T\d+Z))?\.tar\.zst\.age$/;

/** Numbers of the newest migration of each kind of database. */
export interface SchemaVersions {
  registry: number;
  app: number;
}

export interface ManifestFile {
  /** Below DATA_DIR, with slashes. */
  path: string;
  size: number;
  /** Hex digits. */
  sha256: string;
  /** Permission bits. */
  mode: number;
  /** A SQLite database, copied with its backup function. */
  database?: true;
}

/** The first entry of a backup: what follows, and what is missing. */
export interface Manifest {
  format: number;
  /** Of the StreamHub that wrote it. */
  version: string;
  createdAt: string;
  /** Id of the installation. */
  installation: string;
  schema: SchemaVersions;
  includes: { recordings: boolean; logs: boolean };
  apps: { name: string; displayName: string; tenantId: string; roomPrefix: string; copiedAt: string }[];
  folders: { path: string; mode: number }[];
  files: ManifestFile[];
  lacks: BackupLack[];
}

/** What is wrong with a backup. Crosses threads as a plain object. */
export type BackupFault =
  | { kind: 'passphrase' }
  | { kind: 'damaged'; reason: string }
  | { kind: 'newer'; version: string }
  /** The system refused a file operation. */
  | { kind: 'file'; code: string; message: string; path: string | undefined }
  /** The storage refused, in words. */
  | { kind: 'storage'; reason: string };

export class BackupProblem extends Error {
  readonly fault: BackupFault;

  constructor(fault: BackupFault) {
    super('reason' in fault ? fault.reason : fault.kind);
    this.fault = fault;
  }
}

export const damaged = (reason: string): BackupProblem => new BackupProblem({ kind: 'damaged', reason });

/** The fault as a plain object; undefined for an error that is none. */
export function faultOf(error: unknown): BackupFault | undefined {
  if (error instanceof BackupProblem) return error.fault;
  const { code, message = '', path } = (error ?? {}) as { code?: unknown; message?: string; path?: unknown };
  if (typeof code !== 'string' || !/^(?:E[A-Z0-9]+|SQLITE_.*)$/.test(code)) return undefined;
  return { kind: 'file', code, message, path: typeof path === 'string' ? path : undefined };
}
