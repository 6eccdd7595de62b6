import type { AddressGuard } from '#daemon/identity/security/service.ts';
import { object } from '#shared/schema/common.ts';
import { CreateIpRuleBody } from '#shared/schema/security.ts';
import { type Change, defined, type Kind } from '../kind.ts';
import type { Fields } from '../values.ts';
import { checkEach, listFile, named } from './list.ts';

const { cidr, action, note } = CreateIpRuleBody.properties;
const schema = object({ cidr, action, note });

/** Addresses that are allowed or blocked. Rules that end by themselves, and bans, are no configuration. */
export function addressRulesKind({ guard }: { guard: AddressGuard }): Kind {
  const lasting = () => guard.listRules().filter(({ expiresAt }) => expiresAt === null);
  const file = listFile('address-rules.yaml', schema, (fields) => String(fields['cidr']));
  return {
    id: 'address rule',
    ...file,
    parse: (docs) =>
      file.parse(docs).map((item) => {
        const range = guard.rangeOf(String(item.fields['cidr'])) ?? item.key;
        const { note, ...fields } = item.fields;
        const text = String(note ?? '').trim() || undefined;
        return { ...item, key: range, fields: defined({ ...fields, cidr: range, note: text }) };
      }),
    read: () =>
      named(
        lasting(),
        (rule) => rule.cidr,
        (rule) => defined({ cidr: rule.cidr, action: rule.action, note: rule.note ?? undefined }) as Fields,
      ),
    settle: (_before, wanted) => wanted,
    check: (changes, context) =>
      checkEach(changes, context, ({ after }) => {
        if (after !== null) guard.checkRule(after as unknown as CreateIpRuleBody, context.actor);
      }),
    async apply(changes: readonly Change[], { actor }, outcome) {
      for (const change of changes) {
        const { key, after } = change;
        const old = guard.listRules().find((rule) => rule.cidr === key);
        if (old !== undefined) guard.deleteRule(old.id, actor);
        if (after !== null) guard.createRule(after as unknown as CreateIpRuleBody, actor);
        await outcome.done(change);
      }
    },
  };
}
