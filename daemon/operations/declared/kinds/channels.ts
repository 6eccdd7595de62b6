import { Type } from 'typebox';
import type { AlertService } from '#daemon/operations/alerts/service.ts';
import { type AlertChannel, type AlertRule, CreateChannelBody, type PatchChannelBody } from '#shared/schema/alerts.ts';
import { object } from '#shared/schema/common.ts';
import { type Change, defined, type Item, isAwaited, type Kind } from '../kind.ts';
import { type Fields, freeName, SECRET_PATTERN, SecretValue } from '../values.ts';
import { checkEach, listFile, named } from './list.ts';

const secret = Type.Optional(Type.String(SECRET_PATTERN));
const schema = object({ ...CreateChannelBody.properties, url: secret, secret });
const nameOf = ({ name }: Pick<AlertChannel, 'name'>): string => name;

/** The channels in the order of their keys. */
export function channelItems(alerts: AlertService): (Item & { id: number })[] {
  const ids = new Map<object, number>();
  const taken = new Set<string>();
  const channels = alerts.listChannels().sort((a, b) => a.id - b.id);
  const items = named(channels, nameOf, ({ id, kind, name, enabled, minSeverity, maxPerHour, to }) => {
    const { url, secret: text } = alerts.channelSecrets(id);
    const of = (part: string, value: string) => {
      if (value === '') return undefined;
      const reference = freeName(['ALERT', name.slice(0, 80), part], (one) => taken.has(one));
      taken.add(reference);
      return new SecretValue(reference, value);
    };
    const fields = defined({
      name,
      kind,
      enabled,
      minSeverity,
      maxPerHour,
      to: [...to],
      url: of('URL', url),
      secret: of('SECRET', text),
    });
    ids.set(fields, id);
    return fields;
  });
  return items.map((item) => ({ ...item, id: ids.get(item.fields) as number }));
}

/** Where alerts are sent. The address of a receiver is kept like a secret. */
export function channelsKind({ alerts }: { alerts: AlertService }): Kind {
  const text = (value: unknown): string => (value instanceof SecretValue ? (value.value ?? '') : '');
  const bodyOf = (after: Fields): CreateChannelBody =>
    ({ ...after, url: text(after['url']), secret: text(after['secret']) }) as unknown as CreateChannelBody;
  const defaults = { enabled: true, minSeverity: 'warning', maxPerHour: 20, to: [] };
  return {
    id: 'alert channel',
    ...listFile('alert-channels.yaml', schema, ({ name }) => String(name)),
    read: () => channelItems(alerts),
    settle: (before, wanted) => ({ ...(before ?? defaults), ...wanted }),
    check(changes, context) {
      const ids = new Map(channelItems(alerts).map(({ key, id }) => [key, id]));
      const rules = context.changes.filter(({ kind }) => kind.id === 'alert rule');
      return checkEach(changes, context, (change) => {
        const { key, before, after } = change;
        if (after === null) {
          // a rule that changes or is deleted does so before
          const stays = ({ name, condition }: AlertRule) =>
            !rules.some((rule) => rule.before?.['name'] === name && rule.before['condition'] === condition);
          alerts.checkChannelRemoval(ids.get(key) as number, stays);
          return;
        }
        const awaited = isAwaited(change, context, 'url') ? { url: 'https://example.org/awaited' } : {};
        const body = { ...bodyOf(after), ...awaited };
        alerts.checkChannel(body, before === null ? undefined : (before['kind'] as string));
      });
    },
    async apply(changes: readonly Change[], { actor }, outcome) {
      const ids = new Map(channelItems(alerts).map(({ key, id }) => [key, id]));
      for (const change of changes) {
        const { key, after } = change;
        const id = ids.get(key);
        if (after === null) await alerts.removeChannel(id as number, actor);
        else if (id === undefined) await alerts.createChannel(bodyOf(after), actor);
        else {
          const { kind: _, ...patch } = bodyOf(after);
          await alerts.updateChannel(id, patch as PatchChannelBody, actor);
        }
        await outcome.done(change);
      }
    },
  };
}
