import { Type } from 'typebox';
import type { AlertService } from '#daemon/operations/alerts/service.ts';
import { fieldError } from '#shared/errors.ts';
import { AlertRule, CreateRuleBody, type PatchRuleBody } from '#shared/schema/alerts.ts';
import { nullable, object } from '#shared/schema/common.ts';
import type { Context, Item, Kind } from '../kind.ts';
import type { Fields } from '../values.ts';
import { channelItems } from './channels.ts';
import { checkEach, listFile, named } from './list.ts';

const schema = object({
  ...CreateRuleBody.properties,
  name: AlertRule.properties.name,
  builtIn: Type.Optional(Type.Literal(true, { description: 'The rule that the condition has from the start.' })),
  channels: Type.Optional(
    nullable(Type.Array(Type.String({ maxLength: 140 }), { maxItems: 50 }), {
      description: 'Names of the channels; null = all.',
    }),
  ),
});

/** A built-in rule is its condition’s, regardless of its name. */
const nameOf = (fields: Fields): string =>
  fields['builtIn'] === true ? `built-in ${fields['condition']}` : String(fields['name']);

/** Rules of alerts: those that were added, and built-in ones that differ from their defaults. */
export function rulesKind({ alerts }: { alerts: AlertService }): Kind {
  const idsOf = new WeakMap<object, string>();
  const items = (): (Item & { id: string })[] => {
    const keys = new Map(channelItems(alerts).map(({ key, id }) => [id, key]));
    const rules = alerts.listRules().filter(({ builtIn, changed }) => !builtIn || changed);
    const fieldsOf = ({ id, condition, builtIn, changed: _, channels, name, ...rest }: AlertRule): Fields => {
      const fields = {
        name,
        condition,
        ...(builtIn ? { builtIn: true } : {}),
        ...rest,
        channels: channels === null ? null : channels.map((one) => keys.get(one) ?? String(one)),
      } as unknown as Fields;
      idsOf.set(fields, id);
      return fields;
    };
    return named(rules, (rule) => (rule.builtIn ? `built-in ${rule.condition}` : rule.name), fieldsOf).map((item) => ({
      ...item,
      id: idsOf.get(item.fields) as string,
    }));
  };
  const bodyOf = ({ builtIn: _, channels, ...fields }: Fields, coming?: Context['changes']): CreateRuleBody => {
    const ids = new Map(channelItems(alerts).map(({ key, id }) => [key, id]));
    const named = channels as readonly string[] | null | undefined;
    const found = named?.flatMap((key, index) => {
      const id = ids.get(key);
      const change = coming?.find((one) => one.kind.id === 'alert channel' && one.key === key);
      const isThere = change === undefined ? id !== undefined : change.after !== null;
      if (!isThere) throw fieldError(`body.channels.${index}`, `names no channel (${key})`);
      return id === undefined ? [] : [id];
    });
    const list = channels === undefined ? {} : { channels: found ?? null };
    return { ...fields, ...list } as unknown as CreateRuleBody;
  };
  return {
    id: 'alert rule',
    ...listFile('alert-rules.yaml', schema, nameOf),
    read: items,
    settle(before, wanted) {
      const { condition, builtIn } = wanted;
      const defaults = alerts.defaultRule(condition as AlertRule['condition']) as unknown as Fields;
      const { name, ...rest } = { ...defaults, ...before, ...wanted };
      return { name, condition, ...(builtIn === true ? { builtIn } : {}), ...rest } as Fields;
    },
    check: (changes, context) =>
      checkEach(changes, context, ({ after, before }) => {
        if (after === null) return;
        if (before !== null && before['condition'] !== after['condition'])
          throw fieldError('body.condition', 'can’t be changed; give the rule another name to make a new one');
        alerts.checkRule(bodyOf(after, context.changes), before === null && after['builtIn'] !== true);
      }),
    async apply(changes, { actor }, outcome) {
      const ids = new Map(items().map(({ key, id }) => [key, id]));
      for (const change of changes) {
        const { key, after } = change;
        const builtIn = (after ?? change.before)?.['builtIn'] === true;
        const id = builtIn ? String((after ?? change.before)?.['condition']) : ids.get(key);
        if (after === null) alerts.removeRule(id as string, actor);
        else {
          const { condition, ...patch } = bodyOf(after);
          if (id === undefined) alerts.createRule({ condition, ...patch }, actor);
          else alerts.updateRule(id, patch as PatchRuleBody, actor);
        }
        await outcome.done(change);
      }
    },
  };
}
