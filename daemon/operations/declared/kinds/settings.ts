import { Type } from 'typebox';
import type { SettingsEditor } from '#daemon/operations/system/settings-editor.ts';
import { type Definition, isHidden } from '#daemon/platform/setting-types.ts';
import type { SettingsStore } from '#daemon/platform/settings-store.ts';
import { SETTINGS, type SettingKey } from '#daemon/platform/settings-table.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { object } from '#shared/schema/common.ts';
import { SettingValue } from '#shared/schema/settings.ts';
import { byText, type Change, type Kind } from '../kind.ts';
import { SECRET_PATTERN, SecretValue } from '../values.ts';

export interface SettingsKindDeps {
  settingsStore: SettingsStore;
  settingsEditor: SettingsEditor;
}

const FILE = 'settings.yaml';
const KEYS = (Object.keys(SETTINGS) as SettingKey[]).filter((key) => {
  const { change }: Definition = SETTINGS[key];
  return change !== undefined;
});
// null would be a deletion
const Plain = Type.Union(SettingValue.anyOf.filter((one) => !Type.IsNull(one)));
const schema = object(
  Object.fromEntries(
    KEYS.map((key) => [
      SETTINGS[key].env,
      Type.Optional(isHidden(SETTINGS[key]) ? Type.String(SECRET_PATTERN) : Plain),
    ]),
  ),
);

/** The settings that are stored over the API. Those of the environment and the env file belong to the machine. */
export function settingsKind({ settingsStore, settingsEditor }: SettingsKindDeps): Kind {
  const valuesOf = (changes: readonly Change[]): Record<string, SettingValue> =>
    Object.fromEntries(
      changes.map(({ key, after }) => {
        const value = after?.['value'];
        return [key, (value instanceof SecretValue ? (value.value ?? '') : (value ?? null)) as SettingValue];
      }),
    );
  return {
    id: 'setting',
    files: [{ pattern: FILE, schema }],
    parse: (docs) =>
      docs.flatMap((doc) =>
        Object.entries(doc.value as Record<string, never>).map(([key, value]) => ({
          key,
          fields: { value },
          doc,
          at: key,
        })),
      ),
    compose: (items) => {
      const sorted = [...items].sort((a, b) => byText(a.key, b.key));
      return items.length === 0
        ? []
        : [{ path: FILE, value: Object.fromEntries(sorted.map(({ key, fields }) => [key, fields['value']])) }];
    },
    read: () =>
      KEYS.flatMap((key) => {
        const text = settingsStore.storedText(key);
        if (text === undefined) return [];
        const { env } = SETTINGS[key];
        const value = isHidden(SETTINGS[key]) ? new SecretValue(env, text) : (settingsStore.stored(key)?.value ?? text);
        return [{ key: env, fields: { value: value as never } }];
      }),
    // as the store would keep them, so that equal settings compare as equal
    prepare: async (before, wanted, _given, unresolved) =>
      wanted.flatMap((item) => {
        const { value } = item.fields;
        const isStored = before.has(item.key);
        if (!(value instanceof SecretValue)) {
          const settled = settingsStore.settled(item.key, value as SettingValue);
          if (settled === undefined) return item;
          if (settled.text === null) return isStored ? { ...item, fields: { value: null } } : [];
          return { ...item, fields: { value: settled.value as never } };
        }
        if (value.value === undefined) {
          if (!isStored) unresolved.add(value.name);
          return isStored ? item : [];
        }
        const settled = settingsStore.settled(item.key, value.value);
        if (settled === undefined) return item;
        if (settled.text === null && !isStored) return [];
        return { ...item, fields: { value: new SecretValue(value.name, settled.text ?? '') } };
      }),
    async check(changes, { actor, stage, refuse }) {
      const values = valuesOf(changes);
      try {
        await settingsEditor.verify({ values, saveUntested: stage === 'plan' }, actor);
      } catch (error) {
        const changeOf = (text: string) => changes.find(({ key }) => text.split(/[^A-Z0-9_]+/).includes(key));
        const details = error instanceof ApiError ? (error.details ?? []) : [];
        for (const { path, message } of details)
          refuse(changeOf(path) ?? (changes[0] as Change), fieldError('body', message));
        if (details.length === 0) refuse(changeOf(String((error as Error).message)) ?? (changes[0] as Change), error);
      }
    },
    async apply(changes, { actor }, outcome) {
      // tested a moment ago
      await settingsEditor.change({ values: valuesOf(changes), saveUntested: true }, actor, undefined);
      await outcome.done(...changes);
    },
  };
}
