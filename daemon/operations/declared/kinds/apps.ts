import { existsSync } from 'node:fs';
import path from 'node:path';
import { Type } from 'typebox';
import type { ConfigService } from '#daemon/apps/config/service.ts';
import { type AppDeletion, archiveName } from '#daemon/apps/registry/deletion.ts';
import type { AppService } from '#daemon/apps/registry/service.ts';
import type { SecretChanges, SecretStore, SecretUse } from '#daemon/apps/secrets/store.ts';
import type { StorageService } from '#daemon/apps/storage/service.ts';
import type { TenantStore } from '#daemon/identity/people/tenant-store.ts';
import { buildFolder } from '#daemon/operations/backup/restore-app.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import { PLATFORM } from '#daemon/platform/principal.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { type AppConfig, secretReferences } from '#shared/config/defaults.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { object } from '#shared/schema/common.ts';
import type { Change, Context, Doc, Item, Kind, NewDoc, Outcome, Place } from '../kind.ts';
import { byText } from '../kind.ts';
import type { ConfigSecrets, ConfigSecretsInput } from '../tasks/config-secrets.ts';
import type { FillConfigsInput, FilledConfig } from '../tasks/fill-configs.ts';
import { CONFIG_SECRETS, FILL_CONFIGS } from '../tasks.ts';
import {
  COVERED,
  covered,
  type Fields,
  isFields,
  nearChanges,
  referenceTo,
  SECRET_PATTERN,
  SecretValue,
} from '../values.ts';
import { checkEach } from './list.ts';
import { TeamId, type TeamKeys, teamKeys } from './team-keys.ts';

export interface AppsKindDeps {
  apps: AppService;
  config: ConfigService;
  secrets: SecretStore;
  storage: StorageService;
  deletion: AppDeletion;
  tenants: TenantStore;
  pool: WorkerPool;
  appsDir: string;
  archiveDir: string;
}

const USES = Object.keys(secretReferences('any')).sort(byText) as SecretUse[];
const APP = 'app.yaml';
const CONFIG = 'config.yaml';
const schema = object({
  team: Type.Optional(Type.String({ maxLength: 220, description: 'Name of the team; absent: the installation’s.' })),
  teamId: TeamId,
  secrets: Type.Optional(
    object(Object.fromEntries(USES.map((use) => [use, Type.Optional(Type.String(SECRET_PATTERN))]))),
  ),
});
/** Note of a deletion: folder in the archive. */
const ARCHIVED = 'archivedAs';
const FROM_ARCHIVE =
  'It comes back from the archive, with its history and the list of its recordings. Segments of live HLS, log lines and ingests that were removed with it don’t.';
const NOT_ARCHIVED =
  'Its folder is no longer in the archive, so it comes back without its history and the list of its recordings. Objects in its bucket stay where they are.';
/** How many configs are compared at a time. */
const AT_ONCE = 4;

interface AppFields {
  team?: string | undefined;
  teamId?: string | undefined;
  secrets: Partial<Record<SecretUse, SecretValue>>;
  /** Text of config.yaml, with its secrets. */
  config?: string;
}
const textOf = (config: unknown): string | undefined =>
  config instanceof SecretValue ? config.value : (config as string);
const fieldsOf = (fields: Fields | null | undefined): AppFields => {
  const { config, ...rest }: Fields = { secrets: {}, ...fields };
  const text = textOf(config);
  return { ...(rest as unknown as AppFields), ...(text === undefined ? {} : { config: text }) };
};
/** As a value that no diff shows, because the text may have secrets. */
const hidden = (text: string): SecretValue => new SecretValue(CONFIG, text);

/** Apps with their config.yaml, which also holds presets and delivery, and their secrets. */
export function appsKind(deps: AppsKindDeps): Kind {
  const { apps, config, secrets, storage, deletion, tenants, pool, appsDir, archiveDir } = deps;
  const references = (configs: ConfigSecretsInput['configs']) =>
    pool.run<ConfigSecretsInput, ConfigSecrets[]>(CONFIG_SECRETS, { configs });

  async function read(): Promise<Item[]> {
    const teams = teamKeys(tenants);
    const entries = [...apps.registry.entries()].filter(({ deleting }) => !deleting);
    const items: Item[] = [];
    for (const { name, tenantId } of entries.sort((a, b) => byText(a.name, b.name))) {
      const stored = USES.flatMap((use) =>
        // one of the environment belongs to the machine
        secrets.origin(name, use) === 'file' ? [[use, secretOf(name, use)] as const] : [],
      );
      const text = await config.raw(name, { showsSecrets: true, isOperator: true }).catch((error: unknown) => {
        if (error instanceof ApiError) return undefined;
        throw error;
      });
      const fields = {
        ...(tenantId === PLATFORM ? {} : { team: teams.nameOf(tenantId), teamId: tenantId }),
        secrets: Object.fromEntries(stored),
        ...(text === undefined ? {} : { config: hidden(text.yaml) }),
      };
      items.push({ key: name, fields });
    }
    return items;
  }
  const secretOf = (name: string, use: SecretUse) =>
    new SecretValue(secrets.reference(name, use), secrets.get(name, use));

  /** Puts values in place of the references in the text of configs. */
  async function resolve(
    before: ReadonlyMap<string, Item>,
    wanted: readonly Item[],
    given: ReadonlyMap<string, string>,
    unresolved: Set<string>,
  ): Promise<Item[]> {
    const referring = wanted.filter(({ fields }) => String(fields['config'] ?? '').includes('${secret:'));
    if (referring.length === 0) return [...wanted];
    const configs = referring.map(({ key, fields }) => {
      return { app: key, text: String(fields['config']), stored: textOf(before.get(key)?.fields['config']) ?? '' };
    });
    const filled = await pool.run<FillConfigsInput, FilledConfig[]>(FILL_CONFIGS, { configs, given });
    for (const name of filled.flatMap((one) => one.unresolved)) unresolved.add(name);
    return wanted.map((item) => {
      const one = filled[referring.indexOf(item)];
      return one === undefined ? item : { ...item, filled: one, fields: { ...item.fields, config: one.text } };
    });
  }

  /** Configs of apps to come, as they were validated. */
  const newConfigs = new WeakMap<Change, AppConfig>();

  /** A folder is often shared, so secrets in it are pointed out. */
  async function warnOfSecrets(changes: readonly Change[]): Promise<void> {
    const written = changes.flatMap((one) => {
      const doc = (one.item as AppItem | undefined)?.configDoc;
      return doc === undefined ? [] : [{ one, app: one.key, text: covered(String(doc.value)) }];
    });
    if (written.length === 0) return;
    const found = await references(written.map(({ app, text }) => ({ app, text })));
    for (const [index, { one }] of written.entries()) {
      const plain = Object.values(found[index]?.secrets ?? {}).filter(({ source }) => source.search(COVERED) < 0);
      if (plain.length > 0)
        one.warnings.push('config.yaml has a secret as plain text. Put a reference in its place, as an export has.');
    }
  }

  /** Which secrets change, and how. */
  function secretChanges({ before, after }: Change): SecretChanges {
    const [old, next] = [fieldsOf(before).secrets, fieldsOf(after).secrets];
    return Object.fromEntries(
      USES.filter((use) => old[use]?.value !== next[use]?.value).map((use) => [use, next[use]?.value ?? null]),
    );
  }

  async function check(change: Change, context: Context, teams: TeamKeys, claims: (() => void)[]): Promise<void> {
    const { key, action, before, after, item } = change;
    if (action === 'delete') {
      change.warnings.push('Its recordings stay in the storage, and its folder moves to the archive.');
      return;
    }
    const next = fieldsOf(after);
    const old = fieldsOf(before);
    const archive = before === null ? archivedFolder(change.note) : undefined;
    if (archive !== undefined) change.warnings.push(existsSync(archive) ? FROM_ARCHIVE : NOT_ARCHIVED);
    const tenantId = tenantOf(next, context, teams);
    if (tenantId === undefined) {
      const others = teams.named(next.team ?? '');
      if (next.teamId !== undefined || others.length === 0)
        throw fieldError('body.team', `names no team (${[next.team, next.teamId].filter(Boolean).join(', ')})`);
      throw fieldError('body.teamId', `must tell which team is meant: ${others.join(', ')} have this name`);
    }
    if (before !== null && tenantId !== tenantOf(old, context, teams))
      throw fieldError('body.team', 'can’t be changed: an app stays in its team');
    config.checkSecrets(secretChanges(change), (use) => `body.secrets.${use}`);
    if (next.config === undefined || next.config === old.config) {
      if (before === null) claims.push(apps.claim({ name: key, roomPrefix: key, tenantId }, context.principal));
      return;
    }
    const fresh = before === null ? await config.validateNew(key, next.config) : undefined;
    const result = fresh ?? (await config.validate(key, next.config));
    const { configDoc: doc, filled } = (item ?? {}) as Partial<AppItem>;
    change.diff = [nearChanges(filled?.diff ?? result.diff), ...secretLines(change)].filter(Boolean).join('\n');
    change.warnings.push(...result.warnings);
    if (doc !== undefined && context.stage === 'apply')
      for (const name of filled?.unclear ?? []) {
        const error = `needs a value for ${name}: which of the stored secrets it means can’t be told`;
        context.refuse(change, new ApiError('BAD_REQUEST', { reason: error }), placeOfReference(doc, name));
      }
    for (const { severity, message, path, line, column } of result.diagnostics) {
      if (severity !== 'error') continue;
      const place = doc === undefined ? undefined : { file: doc.path, line, column };
      context.refuse(change, new ApiError('BAD_REQUEST', { reason: `${path} ${message}`.trim() }), place);
    }
    if (!fresh?.config) return;
    newConfigs.set(change, fresh.config);
    const { roomPrefix } = fresh.config;
    claims.push(apps.claim({ name: key, roomPrefix, tenantId }, context.principal));
  }
  /** @returns undefined if no team, or more than one, can be meant */
  const tenantOf = ({ team, teamId }: AppFields, { changes }: Context, teams: TeamKeys): string | undefined => {
    if (team === undefined && teamId === undefined) return PLATFORM;
    const coming = changes.find(
      ({ kind, action, after }) =>
        kind.id === 'team' &&
        action === 'create' &&
        (teamId === undefined ? after?.['name'] === team : after?.['id'] === teamId),
    );
    const known = coming?.note?.['id'] ?? teams.find({ id: teamId, name: team });
    // a new team may have no id yet, and nothing is kept for it
    return known ?? (coming && String(coming.after?.['id'] ?? `new ${team}`));
  };

  async function change(one: Change, context: Context, teams: TeamKeys): Promise<void> {
    const { key, before, after } = one;
    const { actor } = context;
    const next = fieldsOf(after);
    if (before === null) await create(one, next, context, teams);
    const { yaml: current } = await config.raw(key, { showsSecrets: true, isOperator: true });
    const text = next.config ?? current;
    const changes = secretChanges(one);
    const isSame = Object.keys(changes).length === 0;
    if (text === current && isSame) return;
    const secretsToStore = isSame ? {} : { secrets: await withOldPlaces(key, changes) };
    // the reviewed plan has the warning that recordings become public
    await config.putRaw(key, text, { actor, reason: 'apply', confirmPublic: true, ...secretsToStore });
  }

  async function create(one: Change, fields: AppFields, context: Context, teams: TeamKeys): Promise<void> {
    const { key: name, note } = one;
    const { config: text } = fields;
    const { principal, actor } = context;
    const tenantId = tenantOf(fields, context, teams) as string;
    const { displayName, roomPrefix } = newConfigs.get(one) ?? { displayName: name, roomPrefix: name };
    const folder = archivedFolder(note);
    if (folder !== undefined && existsSync(folder))
      await apps.install({ name, displayName, roomPrefix, tenantId }, principal, actor, () =>
        buildFolder(folder, appsDir, { from: name, name, roomPrefix, isCopy: false }, pool, {}, 'copy'),
      );
    else {
      const given = text === undefined ? {} : { config: { text, displayName, roomPrefix } };
      await apps.create({ name }, principal, actor, { tenantId, ...given });
    }
  }

  const archivedFolder = (note: Change['note']): string | undefined => {
    const archived = note?.[ARCHIVED];
    return archived === undefined ? undefined : path.join(archiveDir, path.basename(archived));
  };

  /** New storage credentials leave those of older buckets where recordings still need them. */
  async function withOldPlaces(key: string, changes: SecretChanges): Promise<SecretChanges> {
    const { s3AccessKey, s3SecretKey } = changes;
    if (!s3AccessKey && !s3SecretKey) return changes;
    const { s3 } = await config.get(key);
    const kept = await storage.credentialChanges(key, s3, { key: s3AccessKey ?? '', secret: s3SecretKey ?? '' });
    return { ...changes, ...kept };
  }

  async function remove(one: Change, actor: Actor, outcome: Outcome): Promise<void> {
    const away = one.note?.[ARCHIVED] ?? archiveName(one.key);
    if (one.note?.[ARCHIVED] === undefined) await outcome.note(one, { [ARCHIVED]: away });
    const { warnings } = await deletion.delete(one.key, { purge: false, leaveObjects: false, away }, actor);
    outcome.warnings.push(...warnings.map((warning) => `${one.key}: ${warning}`));
  }

  return {
    id: 'app',
    files: [
      { pattern: `apps/*/${APP}`, schema },
      { pattern: `apps/*/${CONFIG}`, schema: null },
    ],
    parse(docs) {
      const teams = teamKeys(tenants);
      return itemsOf(docs).map((item) => {
        const { team, teamId } = item.fields as Partial<AppFields>;
        const id = team === undefined && teamId === undefined ? undefined : teams.find({ id: teamId, name: team });
        // by its present name, so that renaming the team doesn’t change the app
        return id === undefined ? item : { ...item, fields: { ...item.fields, team: teams.nameOf(id), teamId: id } };
      });
    },
    compose: (items) => items.flatMap(docsOf),
    read,
    async toExport(items, warnings) {
      const texts = items.flatMap(({ key, fields }) =>
        fields['config'] instanceof SecretValue ? [{ app: key, text: fields['config'].value ?? '' }] : [],
      );
      const found = new Map((await references(texts)).map((one, index) => [texts[index]?.app, one]));
      return items.map((item) => {
        const { config: _, ...rest } = item.fields;
        const shown = found.get(item.key);
        if (shown) return { ...item, fields: { ...rest, config: shown.text } };
        warnings.push(
          `The config of the app ${item.key} is left out, because it is missing or is not readable as YAML.`,
        );
        return { ...item, fields: rest };
      });
    },
    prepare: resolve,
    settle(before, wanted, prune) {
      const [old, next] = [fieldsOf(before), fieldsOf(wanted)];
      const kept = prune && 'secrets' in wanted ? {} : old.secrets;
      const { config: text, ...rest } = { ...old, ...next, secrets: { ...kept, ...next.secrets } };
      return { ...rest, ...(text === undefined ? {} : { config: hidden(text) }) } as unknown as Fields;
    },
    async check(changes, context) {
      const claims: (() => void)[] = [];
      const teams = teamKeys(tenants);
      await warnOfSecrets(changes);
      try {
        const queue = [...changes];
        const next = async (): Promise<void> => {
          for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
            const current = one;
            await checkEach([current], context, () => check(current, context, teams, claims));
          }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, next));
      } finally {
        for (const release of claims) release();
      }
    },
    async apply(changes, context, outcome) {
      const teams = teamKeys(tenants);
      for (const one of changes) {
        if (one.action !== 'delete') {
          await change(one, context, teams);
          await outcome.done(one);
          continue;
        }
        await remove(one, context.actor, outcome);
        await outcome.done(one);
      }
    },
    // an app that is being deleted isn't listed any more
    isMade: ({ action, key }) => (action === 'delete' ? apps.registry.get(key) === undefined : undefined),
  };
}

interface AppItem extends Item {
  configDoc: Doc | undefined;
  /** The config with the values of its references, if it has any. */
  filled?: FilledConfig;
}

function placeOfReference({ path: file, value }: Doc, name: string): Place {
  const lines = String(value).split(referenceTo(name), 1).join().split('\n');
  return { file, line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

function itemsOf(docs: readonly Doc[]): AppItem[] {
  const names = [...new Set(docs.map(({ name }) => name))].sort(byText);
  return names.map((name) => {
    const [doc, configDoc] = [APP, CONFIG].map((file) => docs.find((one) => one.path === `apps/${name}/${file}`));
    const fields = {
      ...(isFields(doc?.value) ? doc.value : {}),
      ...(configDoc === undefined ? {} : { config: String(configDoc.value) }),
    };
    return { key: name, fields, at: '', ...(doc === undefined ? {} : { doc }), configDoc };
  });
}

function docsOf({ key, fields }: Item): NewDoc[] {
  const { config, ...rest } = fields;
  const { secrets, ...plain } = rest;
  const value = isFields(secrets) && Object.keys(secrets).length > 0 ? { ...plain, secrets } : plain;
  return [
    { path: `apps/${key}/${APP}`, value },
    ...(typeof config === 'string' ? [{ path: `apps/${key}/${CONFIG}`, text: config }] : []),
  ];
}

/** The secrets that change, as lines of a diff. */
const secretLines = ({ before, after }: Change): string[] =>
  USES.flatMap((use) => {
    const [old, next] = [fieldsOf(before).secrets[use], fieldsOf(after).secrets[use]];
    if (old?.value === next?.value) return [];
    if (next === undefined) return [`- secrets.${use}: (secret)`];
    return [`+ secrets.${use}: (secret${old === undefined ? '' : ', changes'})`];
  });
