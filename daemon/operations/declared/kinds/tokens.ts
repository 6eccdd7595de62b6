import { Type } from 'typebox';
import type { AppRegistry } from '#daemon/apps/registry/registry.ts';
import { newToken, type TokenService } from '#daemon/identity/tokens/service.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { iso, parseInstant } from '#shared/instants.ts';
import { PERMISSIONS, type Permission } from '#shared/permissions.ts';
import { object } from '#shared/schema/common.ts';
import { CreateTokenBody, type TokenRecord } from '#shared/schema/tokens.ts';
import { type Change, type Context, defined, type Item, type Kind } from '../kind.ts';
import type { Fields } from '../values.ts';
import { checkEach, listFile, named } from './list.ts';

export interface TokensKindDeps {
  tokens: TokenService;
  apps: { registry: AppRegistry };
}

const { appId: _, ...properties } = CreateTokenBody.properties;
const schema = object({
  ...properties,
  app: Type.Optional(Type.String({ maxLength: 64, description: 'Name of the app; required with scope `app`.' })),
});

/**
 * The shapes of API tokens. Nothing can read a token again, and none can be changed: another shape is a new token in place
 * of the old one, which only pruning makes.
 */
export function tokensKind({ tokens, apps: { registry } }: TokensKindDeps): Kind {
  const live = (): TokenRecord[] => {
    const now = new Date().toISOString();
    return tokens
      .list()
      .filter(({ revoked, expiresAt }) => !revoked && (expiresAt === null || expiresAt > now))
      .sort((a, b) => a.id - b.id);
  };
  const shapeOf = ({ name, scope, appId, allowedIps, readOnly, permissions, expiresAt }: TokenRecord): Fields =>
    defined({
      name,
      scope,
      app: appId === null ? undefined : registry.byId(appId)?.name,
      expiresAt: expiresAt ?? undefined,
      readOnly: readOnly || undefined,
      permissions: permissions ?? undefined,
      allowedIps: allowedIps.length === 0 ? undefined : allowedIps,
    });
  const items = (): Item[] => {
    const ids = new Map<object, number>();
    const list = named(
      live(),
      ({ name }) => name,
      (token) => {
        const fields = shapeOf(token);
        ids.set(fields, token.id);
        return fields;
      },
    );
    return list.map((item) => ({ ...item, ref: ids.get(item.fields) as number }));
  };
  const bodyOf = ({ app, ...fields }: Fields): CreateTokenBody => {
    const body = fields as unknown as CreateTokenBody;
    if (app === undefined) return body;
    const appId = registry.get(String(app))?.id;
    if (appId === undefined) throw fieldError('body.app', `names no app (${app})`);
    return { ...body, appId };
  };
  const check = (change: Change, { actor, changes }: Context): void => {
    const { ref, before, after, item } = change;
    if (after === null && item?.doc !== undefined)
      throw fieldError('body.app', `names an app that the same plan deletes (${before?.['app']})`);
    if (before !== null && `token:${ref}` === actor.id)
      throw new ApiError('BAD_REQUEST', {
        reason: 'this is the token that sends the request, and it can’t be replaced or deleted',
      });
    if (after === null) return;
    const { app } = after;
    const isComing = changes.some(
      ({ kind, key: name, action }) => kind.id === 'app' && name === app && action === 'create',
    );
    if (changes.some((one) => one.kind.id === 'app' && one.key === app && one.action === 'delete'))
      throw fieldError('body.app', `names an app that the same plan deletes (${app})`);
    if (after['scope'] === 'app' && app === undefined) throw fieldError('body.app', 'is required with scope "app"');
    if (after['scope'] === 'global' && app !== undefined) throw fieldError('body.app', 'is only for scope "app"');
    const { app: _app, ...rest } = after;
    tokens.check(isComing ? (rest as unknown as CreateTokenBody) : bodyOf(after));
    if (before !== null)
      change.warnings.push('A token can’t be changed. A new one is made, and the old one is revoked.');
    else if (change.item?.doc === undefined)
      change.warnings.push('The token that was revoked can’t come back. A new one is made.');
  };
  const file = listFile('tokens.yaml', schema, ({ name }) => String(name).trim());
  return {
    id: 'token',
    ...file,
    parse: (docs) => file.parse(docs).filter(({ fields }) => !isOver(fields)),
    read: items,
    settle(before, wanted, prune) {
      const next = canonicalShape(wanted);
      return before === null || prune ? next : before;
    },
    check: (changes, context) => checkEach(changes, context, (change) => check(change, context)),
    /** The tokens of an app go with it, so the plan shows them, and a roll-back makes new ones. */
    follow(changes, kind, wanted) {
      const gone = new Set(changes.flatMap((one) => (one.kind.id === 'app' && one.action === 'delete' ? one.key : [])));
      if (gone.size === 0) return [];
      const known = new Set(changes.flatMap((one) => (one.kind === kind ? one.key : [])));
      return items()
        .filter(({ key, fields }) => gone.has(String(fields['app'])) && !known.has(key))
        .reverse()
        .map(({ key, ref, fields: before }) => {
          const warnings = ['It is for an app that is deleted.'];
          const item = wanted.find((one) => one.key === key);
          return { kind, action: 'delete', key, ref, before, after: null, item, warnings };
        });
    },
    async apply(changes, { actor }, outcome) {
      const coming = changes.filter(
        ({ key, after }) => after !== null && !outcome.tokens.some((one) => one.key === key),
      );
      for (const { key, after } of coming)
        outcome.tokens.push({ key, name: String(after?.['name']), id: null, token: newToken() });
      if (coming.length > 0) await outcome.keep();
      for (const change of changes) {
        const { key, after, ref } = change;
        const made = outcome.tokens.find((one) => one.key === key);
        if (after !== null && made !== undefined)
          made.id = tokens.idOf(made.token) ?? tokens.adopt(made.token, bodyOf(after), actor);
        if (ref !== undefined) tokens.revoke(ref, actor);
        await outcome.done(change);
      }
    },
    // one that is made again looks like the one before
    isMade: ({ after, ref }) => after === null && !live().some(({ id }) => id === ref),
  };
}

/** As the daemon would store it, so that equal shapes compare as equal. */
function canonicalShape({ name, expiresAt, readOnly, permissions, allowedIps, ...rest }: Fields): Fields {
  const listed = permissions as Permission[] | undefined;
  const addresses = (allowedIps as string[] | undefined)?.map((one) => one.trim()) ?? [];
  return defined({
    name: String(name).trim(),
    ...rest,
    expiresAt: expiresAt === undefined ? undefined : instantOf(String(expiresAt)),
    readOnly: readOnly || undefined,
    permissions: listed && PERMISSIONS.filter((one) => listed.includes(one)),
    allowedIps: addresses.length === 0 ? undefined : addresses,
  });
}

/** A text that can’t be read as an instant stays as it is, and the check refuses it. */
function instantOf(text: string): string {
  try {
    return iso(parseInstant(text, 'body.expiresAt', true));
  } catch {
    return text;
  }
}

/** A token that is over is not made again. */
const isOver = ({ expiresAt }: Fields): boolean =>
  expiresAt !== undefined && Date.parse(instantOf(String(expiresAt))) <= Date.now();
