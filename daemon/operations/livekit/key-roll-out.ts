import type { NodeEntry } from '#daemon/cluster/node.ts';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import type { Meta } from '#daemon/platform/db/meta.ts';
import { digestOfKeys } from '#daemon/platform/livekit-keys.ts';
import type { SecretFile } from '#daemon/platform/secrets/secret-file.ts';
import type { Settings } from '#daemon/platform/settings.ts';
import type { SettingsStore } from '#daemon/platform/settings-store.ts';
import { ApiError } from '#shared/errors.ts';
import { iso } from '#shared/instants.ts';
import { JOIN_TOKEN_MAX_SECONDS } from '#shared/limits.ts';
import { type NodeKeys, ORIGIN } from '#shared/schema/cluster.ts';
import { type KeyPair, KeyRotation } from './keys.ts';

const LOOK_MS = 500;
/** Digests of the pairs that were removed; a node that was away keeps such a key until its next report. */
const REMOVED = 'livekit.keys.removed';
const MAX_REMOVED = 20;
const MOVED_AT = 'livekit.keys.moved_at';

export interface KeyRollOutDeps {
  /** The keys that are in use: those of the LiveKit that the daemon runs, or those of the settings. */
  rotation(): KeyRotation;
  /** Digests of the keys that the daemon's own LiveKit was started with; undefined = it runs none. */
  ownRuns(): readonly string[] | undefined;
  nodes(): Iterable<NodeEntry>;
  /** Does the LiveKit of the settings accept a pair? */
  accepts(pair: KeyPair): Promise<boolean>;
  /** The daemon uses another key now. */
  onMove(): void;
  meta: Meta;
  background: Background;
}

/** Rotates LiveKit's keys on every LiveKit that the daemon gives its settings to, without ending rooms. */
export class KeyRollOut {
  readonly #deps: KeyRollOutDeps;
  #timer: Repeated | undefined;
  /** LiveKit servers that don't accept the next key yet. */
  #waitsFor: readonly string[] = [];
  #removed: readonly string[];
  #order: { from: string; order: NodeKeys; digests: readonly string[] } | undefined;

  constructor(deps: KeyRollOutDeps) {
    this.#deps = deps;
    this.#removed = JSON.parse(deps.meta.get(REMOVED) ?? '[]') as string[];
  }

  /** Continues a rotation. */
  begin(): void {
    if (this.#deps.rotation().state !== 'adding') return;
    this.#timer ??= this.#deps.background.every('LiveKit keys', LOOK_MS, () => this.#look(), { first: 0 });
  }

  async stop(): Promise<void> {
    await this.#timer?.stop();
    this.#timer = undefined;
  }

  get state(): KeyRotation['state'] {
    return this.#deps.rotation().state;
  }

  get waitsFor(): readonly string[] {
    return this.state === 'adding' ? this.#waitsFor : [];
  }

  /** Until then join tokens with the old key can be valid. */
  get oldKeyNeededUntil(): string | null {
    const movedAt = Number(this.#deps.meta.get(MOVED_AT) ?? 0);
    return this.state === 'both' ? iso(movedAt + JOIN_TOKEN_MAX_SECONDS * 1000) : null;
  }

  /** Pairs that LiveKit accepts or signs with beside the one that the daemon uses. */
  get otherPairs(): KeyPair[] {
    const rotation = this.#deps.rotation();
    return rotation.state === 'one' ? [] : rotation.accepted.filter(([key]) => key !== rotation.present[0]);
  }

  /** The keys that nodes are to write; undefined before the first rotation: they then keep those that they joined with. */
  get order(): NodeKeys | undefined {
    const rotation = this.#deps.rotation();
    if (rotation.state === 'one' && this.#removed.length === 0) return undefined;
    const accepted = rotation.accepted.map(([key, secret]) => ({ key, secret }));
    const webhookKey = rotation.lasting[0];
    const from = JSON.stringify([accepted, webhookKey, this.#removed[0]]);
    if (this.#order?.from !== from) {
      const digests = accepted.map(({ key, secret }) => digestOfKeys(key, secret));
      const removed = this.#removed.filter((digest) => !digests.includes(digest));
      this.#order = { from, order: { accepted, webhookKey, removed }, digests };
    }
    return this.#order.order;
  }

  /** Are these the keys of a LiveKit that got the order? */
  isSatisfied(digests: readonly string[] | undefined): boolean {
    const { order } = this;
    if (order === undefined || this.#order === undefined) return true;
    if (digests === undefined) return false;
    return (
      this.#order.digests.every((one) => digests.includes(one)) && !order.removed.some((one) => digests.includes(one))
    );
  }

  /** Adds the next key. @throws ApiError LIVEKIT_KEYS_ROTATING, LIVEKIT_KEYS_NODES */
  async add(): Promise<void> {
    const names = [...this.#deps.nodes()]
      .filter((node) => isServing(node) && !canWriteKeys(node))
      .map(({ name }) => name);
    if (names.length > 0) throw new ApiError('LIVEKIT_KEYS_NODES', { names: names.join(', ') });
    await this.#deps.rotation().add();
    this.begin();
  }

  /** Removes the old key. @throws ApiError LIVEKIT_KEYS_NOT_ROTATED */
  async retire(): Promise<void> {
    const [key, secret] = await this.#deps.rotation().retire();
    this.#removed = [digestOfKeys(key, secret), ...this.#removed].slice(0, MAX_REMOVED);
    this.#deps.meta.set(REMOVED, JSON.stringify(this.#removed));
  }

  /** Changes to the next key once every LiveKit accepts it. */
  async #look(): Promise<void> {
    const { rotation: current, ownRuns, nodes, accepts, onMove, meta } = this.#deps;
    const rotation = current();
    const { next } = rotation;
    if (next !== undefined) {
      const digest = digestOfKeys(...next);
      const own = ownRuns();
      const missing = [...nodes()].filter((node) => isServing(node) && !runsWith(node, digest));
      this.#waitsFor = [
        ...(own === undefined || own.includes(digest) ? [] : ['this machine']),
        ...missing.map(({ name }) => name).toSorted(),
      ];
      if (this.#waitsFor.length > 0) return;
      if (own === undefined && !(await accepts(next))) {
        this.#waitsFor = ['LIVEKIT_URL'];
        return;
      }
      meta.set(MOVED_AT, String(Date.now()));
      await rotation.move();
      onMove();
    }
    const timer = this.#timer;
    this.#timer = undefined;
    // it would wait for this run
    timer?.stop();
  }
}

/** Clients can be sent there, other than to the daemon's own machine. */
const isServing = ({ id, status }: NodeEntry): boolean => id !== ORIGIN && status === 'active';

const runsWith = ({ agent, livekit }: NodeEntry, digest: string): boolean =>
  (livekit?.state === 'running' || livekit?.state === 'draining') && agent?.keys?.includes(digest) === true;

/** Its agent writes keys. */
export const canWriteKeys = ({ agent }: NodeEntry): boolean => agent?.settings?.keys !== undefined;

/** Rotates the keys of the settings. */
export const settingsKeys = (deps: { secrets: SecretFile; settings: Settings; store: SettingsStore }): KeyRotation => {
  const { secrets, settings, store } = deps;
  return new KeyRotation(secrets, 'LIVEKIT_ROTATION_', {
    get: () => [settings.livekitApiKey, settings.livekitApiSecret],
    async set([key, secret]) {
      const changes = store.check({ LIVEKIT_API_KEY: key, LIVEKIT_API_SECRET: secret });
      await store.write(changes, { id: 'daemon', label: 'rotation of keys' }, undefined);
    },
  });
};
