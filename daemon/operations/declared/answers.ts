import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import { ifMissing } from '#daemon/platform/files/file-errors.ts';
import { openText, type SealKey, sealText } from '#daemon/platform/secrets/sealed-text.ts';
import { ApiError } from '#shared/errors.ts';
import { writeAtomically } from '#shared/files/atomic-file.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { APPLIED_KEPT_HOURS } from '#shared/limits.ts';
import type { Applied } from '#shared/schema/declared.ts';

const NAME = /^([1-9]\d{0,8})\.sealed$/;
const KEPT_MS = APPLIED_KEPT_HOURS * 3_600_000;
const PRUNE_MS = 600_000;

/** A token whose text is stored before the token is made, so that a kill in between loses neither. */
export interface PendingToken {
  key: string;
  name: string;
  /** Null before it is made. */
  id: number | null;
  token: string;
}

/** What only the one who applies may read, once. */
export interface Answer extends Pick<Applied, 'invites'> {
  /** Who applies. */
  readBy: string;
  storedAt: number;
  tokens: PendingToken[];
}

export interface AnswersDeps {
  folder: string;
  key: Buffer;
  background: Background;
  /** The time by which what is old is deleted. */
  retentionNow(): number;
}

/** New tokens and links of invitations: encrypted, in files of mode 600, until they are read or too old. */
export class Answers {
  readonly #deps: AnswersDeps;
  readonly #key: SealKey;
  /** Those that a request is sending. */
  readonly #sending = new Set<number>();
  #pruning: Repeated | undefined;

  constructor(deps: AnswersDeps) {
    this.#deps = deps;
    this.#key = { material: deps.key, use: 'streamhub answers of applies' };
  }

  start(): void {
    this.#pruning = this.#deps.background.every('answers of applies', PRUNE_MS, () => this.#prune(), { first: 0 });
  }

  async stop(): Promise<void> {
    await this.#pruning?.stop();
  }

  async read(id: number): Promise<Answer | undefined> {
    const sealed = await readFile(this.#file(id)).catch(ifMissing(undefined));
    const text = sealed && openText(this.#key, sealed);
    const answer = text === undefined ? undefined : (JSON.parse(text) as Answer);
    return answer === undefined || this.#isOld(answer) ? undefined : answer;
  }

  async write(id: number, answer: Omit<Answer, 'storedAt'>): Promise<void> {
    await makeFolder(this.#deps.folder);
    const text = JSON.stringify({ ...answer, storedAt: this.#deps.retentionNow() } satisfies Answer);
    await writeAtomically(this.#file(id), sealText(this.#key, text), { mode: 0o600 });
  }

  remove(id: number): Promise<void> {
    return rm(this.#file(id), { force: true });
  }

  /** Applies that still have something to read. */
  async ids(): Promise<Set<number>> {
    const names = await readdir(this.#deps.folder).catch(ifMissing([] as string[]));
    return new Set(names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number));
  }

  /**
   * Gives an answer to the one who may read it. It is there until `sent` says that it has left the daemon.
   * @throws ApiError APPLIED_ANSWER_GONE
   */
  async take(id: number, reader: string): Promise<{ answer: Answer; sent(isComplete: boolean): Promise<void> }> {
    const gone = new ApiError('APPLIED_ANSWER_GONE', { id });
    if (this.#sending.has(id)) throw gone;
    this.#sending.add(id);
    const sent = async (isComplete: boolean): Promise<void> => {
      try {
        if (isComplete) await this.remove(id);
      } finally {
        this.#sending.delete(id);
      }
    };
    try {
      const answer = await this.read(id);
      if (answer?.readBy !== reader) throw gone;
      return { answer, sent };
    } catch (error) {
      this.#sending.delete(id);
      throw error;
    }
  }

  #isOld({ storedAt }: Answer): boolean {
    return storedAt < this.#deps.retentionNow() - KEPT_MS;
  }

  /** Also removes what nobody can open, because the secret of the installation is another one. */
  async #prune(): Promise<void> {
    for (const id of await this.ids()) if ((await this.read(id)) === undefined) await this.remove(id);
  }

  #file(id: number): string {
    return path.join(this.#deps.folder, `${id}.sealed`);
  }
}
