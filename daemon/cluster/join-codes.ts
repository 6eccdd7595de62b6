import { hash, randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '#daemon/platform/clock.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import { ApiError } from '#shared/errors.ts';
import { JOIN_CODE_SECONDS } from '#shared/limits.ts';
import type { JoinCode, JoinCodeBody } from '#shared/schema/cluster.ts';
import type { ClusterRepository, JoinCodeRow } from './repository.ts';

export const JOIN_CODE_PREFIX = 'shj_';
const MAX_CODES = 100;
/** Joins of machines that pasted the command of `GET /cluster/info`. */
const INFO: Actor = { id: 'system:cluster-info', label: 'join command of the cluster page' };

/** A valid join code. The code itself isn't kept. */
export interface JoinCodeEntry {
  readonly id: string;
  /** SHA-256, hex. */
  readonly codeHash: string;
  readonly name: string | null;
  readonly uses: number;
  /** Ids of the nodes that joined with it. */
  readonly used: readonly string[];
  readonly createdAt: string;
  readonly expiresAt: string;
  /** The same on the monotonic clock. */
  readonly expiresMono: number;
  readonly createdBy: string;
}

/** Short-lived credentials with which machines join, each good for a number of machines. */
export class JoinCodes {
  readonly #repository: ClusterRepository;
  readonly #clock: Clock;
  readonly #byHash = new Map<string, JoinCodeEntry>();
  #info: { code: string; codeHash: string } | undefined;

  constructor(repository: ClusterRepository, clock: Clock) {
    this.#repository = repository;
    this.#clock = clock;
  }

  load(): void {
    for (const row of this.#repository.joinCodes()) {
      const left = Date.parse(row.expires_at) - this.#clock.now();
      // a clock that was set back must not lengthen a code's life
      const life = Math.min(left, Date.parse(row.expires_at) - Date.parse(row.created_at));
      this.#byHash.set(row.code_hash, fromRow(row, this.#clock.monotonic() + life));
    }
  }

  /** Newest first. */
  list(): JoinCode[] {
    return [...this.#byHash.values()]
      .filter((entry) => this.#isValid(entry))
      .map(toJoinCode)
      .sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  }

  /** @throws ApiError JOIN_CODE_LIMIT */
  create(body: JoinCodeBody, actor: Actor): { code: string; record: JoinCode } {
    this.#prune();
    if (this.#byHash.size >= MAX_CODES) throw new ApiError('JOIN_CODE_LIMIT', { max: MAX_CODES });
    const { code, entry } = this.#add(body, actor);
    return { code, record: toJoinCode(entry) };
  }

  /** The code in the command of `GET /cluster/info`: the same one until it was used or half of its time has passed. */
  forInfo(): string {
    const known = this.#info === undefined ? undefined : this.#byHash.get(this.#info.codeHash);
    const left = (known?.expiresMono ?? 0) - this.#clock.monotonic();
    if (this.#info !== undefined && known?.used.length === 0 && left > JOIN_CODE_SECONDS * 500) return this.#info.code;
    this.#prune();
    const { code, entry } = this.#add({}, INFO);
    this.#info = { code, codeHash: entry.codeHash };
    return code;
  }

  /** @throws ApiError JOIN_CODE_NOT_FOUND */
  revoke(id: string): void {
    const entry = this.#byHash.values().find((one) => one.id === id && this.#isValid(one));
    if (entry === undefined) throw new ApiError('JOIN_CODE_NOT_FOUND');
    this.#remove(entry);
  }

  /** A code that time has not ended. Whether it may be used again depends on the node. */
  find(codeHash: string): JoinCodeEntry | undefined {
    const entry = this.#byHash.get(codeHash);
    return entry !== undefined && this.#clock.monotonic() < entry.expiresMono ? entry : undefined;
  }

  /** May the code bring in another machine? */
  hasUsesLeft = (entry: JoinCodeEntry): boolean => entry.used.length < entry.uses;

  /** Notes, before a node is stored, that it joins with the code. */
  use(entry: JoinCodeEntry, nodeId: string): void {
    this.#setUsed(entry, [...entry.used, nodeId]);
  }

  /** Takes a use back, because the node could not be stored. */
  release(entry: JoinCodeEntry): void {
    this.#setUsed(entry, entry.used);
  }

  #setUsed(entry: JoinCodeEntry, used: readonly string[]): void {
    this.#repository.markJoinCode(entry.id, used);
    this.#byHash.set(entry.codeHash, { ...entry, used });
  }

  #add({ name, ttlSeconds = JOIN_CODE_SECONDS, uses = 1 }: JoinCodeBody, actor: Actor) {
    const code = JOIN_CODE_PREFIX + randomBytes(16).toString('base64url');
    const now = this.#clock.now();
    const entry: JoinCodeEntry = {
      id: randomUUID(),
      codeHash: hash('sha256', code),
      name: name ?? null,
      uses,
      used: [],
      createdAt: new Date(now).toISOString(),
      expiresAt: new Date(now + ttlSeconds * 1000).toISOString(),
      expiresMono: this.#clock.monotonic() + ttlSeconds * 1000,
      createdBy: actor.label ?? actor.id,
    };
    this.#repository.insertJoinCode(toRow(entry));
    this.#byHash.set(entry.codeHash, entry);
    return { code, entry };
  }

  #isValid(entry: JoinCodeEntry): boolean {
    return this.#clock.monotonic() < entry.expiresMono && this.hasUsesLeft(entry);
  }

  /** Used codes are kept until they expire, so that a machine whose answer was lost can ask again. */
  #prune(): void {
    for (const entry of this.#byHash.values()) if (this.find(entry.codeHash) === undefined) this.#remove(entry);
  }

  #remove(entry: JoinCodeEntry): void {
    this.#repository.removeJoinCode(entry.id);
    this.#byHash.delete(entry.codeHash);
  }
}

const toJoinCode = (entry: JoinCodeEntry): JoinCode => ({
  id: entry.id,
  name: entry.name,
  uses: entry.uses,
  usesLeft: entry.uses - entry.used.length,
  created_at: entry.createdAt,
  expires_at: entry.expiresAt,
  created_by: entry.createdBy,
});

const toRow = (entry: JoinCodeEntry): JoinCodeRow => ({
  id: entry.id,
  code_hash: entry.codeHash,
  name: entry.name,
  uses: entry.uses,
  used_json: JSON.stringify(entry.used),
  created_at: entry.createdAt,
  expires_at: entry.expiresAt,
  created_by: entry.createdBy,
});

const fromRow = (row: JoinCodeRow, expiresMono: number): JoinCodeEntry => ({
  id: row.id,
  codeHash: row.code_hash,
  name: row.name,
  uses: row.uses,
  used: JSON.parse(row.used_json) as string[],
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  expiresMono,
  createdBy: row.created_by,
});
