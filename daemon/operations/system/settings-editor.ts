import type { ConnectionTests } from '#daemon/operations/connections/service.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Actor, AuditNote } from '#daemon/platform/http/types.ts';
import { isHidden } from '#daemon/platform/setting-types.ts';
import type { Settings, SettingValues } from '#daemon/platform/settings.ts';
import type { SettingChanges, SettingsStore } from '#daemon/platform/settings-store.ts';
import { SETTINGS, type SettingKey } from '#daemon/platform/settings-table.ts';
import { ApiError } from '#shared/errors.ts';
import type { ConnectionName } from '#shared/schema/connections.ts';
import type { PatchSettingsBody } from '#shared/schema/settings.ts';

export interface SettingsEditorDeps {
  settings: Settings;
  store: SettingsStore;
  connections: ConnectionTests;
  events: EventBus;
  /** Would requests from the address be rejected with these settings? */
  shutsOut(settings: SettingValues, ip: string): boolean;
}

/** What a connection needs before there is anything to test. */
const NEEDS: Readonly<Record<ConnectionName, (settings: SettingValues) => boolean>> = {
  livekit: ({ livekitApiKey, livekitApiSecret }) => livekitApiKey !== '' || livekitApiSecret !== '',
  redis: () => true,
  mail: ({ smtpHost }) => smtpHost !== '',
};

/** Changes settings: checks them, tests the connections that they concern, stores them, and tells what changed. */
export class SettingsEditor {
  readonly #deps: SettingsEditorDeps;

  constructor(deps: SettingsEditorDeps) {
    this.#deps = deps;
  }

  /**
   * @returns the note for the audit trail
   * @throws ApiError VALIDATION_FAILED, SETTING_LOCKED, SETTINGS_TEST_FAILED, SETTINGS_SHUT_YOU_OUT, PRECONDITION_FAILED
   */
  async change(
    { values, saveUntested = false }: PatchSettingsBody,
    actor: Actor,
    ifMatch: string | undefined,
  ): Promise<AuditNote> {
    const changes = await this.verify({ values, saveUntested }, actor, ifMatch);
    return this.#noted(actor, () => this.#deps.store.write(changes, actor, ifMatch));
  }

  /** Does all of `change` but the change. */
  async verify(
    { values, saveUntested = false }: PatchSettingsBody,
    actor: Actor,
    ifMatch?: string,
  ): Promise<SettingChanges> {
    const { store } = this.#deps;
    const changes = store.check(values);
    const wanted = store.preview(changes);
    store.requireMatch(ifMatch);
    this.#refuseShutOut(wanted, actor);
    if (!saveUntested) await this.#test(changes, wanted);
    return changes;
  }

  /** @throws ApiError SETTINGS_NOT_UNDOABLE, SETTINGS_SHUT_YOU_OUT, PRECONDITION_FAILED */
  undo(revision: number, actor: Actor, ifMatch: string | undefined): Promise<AuditNote> {
    const { store } = this.#deps;
    this.#refuseShutOut(store.preview(store.undoChanges(revision)), actor);
    return this.#noted(actor, () => store.undo(revision, actor, ifMatch));
  }

  async #noted(actor: Actor, write: () => Promise<SettingKey[]>): Promise<AuditNote> {
    const { settings, events } = this.#deps;
    const before = shownValues(this.#deps.store, settings);
    const keys = await write();
    const after = shownValues(this.#deps.store, settings);
    const names = keys.map((key) => SETTINGS[key].env);
    if (names.length > 0) events.publish({ type: 'settings.changed', actor, data: { names } });
    const pick = (all: Record<string, unknown>) => Object.fromEntries(names.map((name) => [name, all[name]]));
    return { target: names.join(', ') || 'nothing', before: pick(before), after: pick(after) };
  }

  #refuseShutOut(wanted: SettingValues, { ip }: Actor): void {
    const { settings, shutsOut } = this.#deps;
    if (ip !== undefined && shutsOut(wanted, ip) && !shutsOut(settings, ip))
      throw new ApiError('SETTINGS_SHUT_YOU_OUT', { ip });
  }

  async #test(changes: SettingChanges, wanted: SettingValues): Promise<void> {
    const { settings, connections } = this.#deps;
    const isOther = (key: SettingKey): boolean => JSON.stringify(wanted[key]) !== JSON.stringify(settings[key]);
    const concerned = new Set<ConnectionName>();
    for (const [key, text] of changes) {
      const { test } = SETTINGS[key] as { test?: ConnectionName };
      // a value that is removed needs no test
      if (test !== undefined && text !== null && isOther(key)) concerned.add(test);
    }
    for (const connection of concerned) {
      if (!NEEDS[connection](wanted)) continue;
      const test = await connections.testNew(connection, wanted, changes);
      const failed = test.steps.find(({ state }) => state === 'failed');
      if (failed !== undefined)
        throw new ApiError(
          'SETTINGS_TEST_FAILED',
          { connection: CONNECTION_NAMES[connection], reason: failed.message },
          { extra: { test } },
        );
    }
  }
}

const CONNECTION_NAMES: Readonly<Record<ConnectionName, string>> = {
  livekit: 'LiveKit',
  redis: 'Redis',
  mail: 'the mail server',
};

/** The values that are stored or active; hidden ones only as set or not. */
function shownValues(store: SettingsStore, settings: Settings): Record<string, unknown> {
  return Object.fromEntries(
    (Object.keys(SETTINGS) as SettingKey[]).map((key) => {
      const stored = store.stored(key);
      if (isHidden(SETTINGS[key])) return [SETTINGS[key].env, `${stored?.isSet ? 'set' : 'not set'}`];
      return [SETTINGS[key].env, stored?.value ?? settings[key]];
    }),
  );
}
