import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { checkedEmail } from '#daemon/identity/auth/identity.ts';
import type { TenantStore } from '#daemon/identity/people/tenant-store.ts';
import type { Directory } from '#daemon/identity/teams/directory.ts';
import type { TeamService } from '#daemon/identity/teams/service.ts';
import { PLATFORM, type Principal } from '#daemon/platform/principal.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import type { Role } from '#shared/permissions.ts';
import { object } from '#shared/schema/common.ts';
import { AddMemberBody, CreateTenantBody, type Quotas, UpdateMemberBody } from '#shared/schema/teams.ts';
import { byText, type Change, type Context, defined, type Item, type Kind, type Outcome } from '../kind.ts';
import { canonical, type Fields } from '../values.ts';
import { checkEach, listFile } from './list.ts';
import { TeamId, type TeamReference, teamKeys } from './team-keys.ts';

export interface TeamsKindDeps {
  tenants: TenantStore;
  directory: Directory;
  teams: TeamService;
}

type Person = { email: string; role: Role };
type TeamFields = {
  name: string;
  id?: string;
  isPlatform?: true;
  plan?: string;
  quotas?: Partial<Quotas>;
  people?: Person[];
};

const { name, plan, quotas } = CreateTenantBody.properties;
const schema = object({
  name,
  id: TeamId,
  isPlatform: Type.Optional(
    Type.Literal(true, { description: 'The team of the installation, regardless of its name.' }),
  ),
  plan,
  quotas,
  people: Type.Optional(
    Type.Array(object({ email: AddMemberBody.properties.email, role: UpdateMemberBody.properties.role }), {
      maxItems: 2000,
    }),
  ),
});

/** The installation’s team has a fixed id, which files don’t have. */
const referenceTo = (fields: Fields): TeamReference => {
  const { id, name, isPlatform } = fields as Partial<TeamFields>;
  return { id: isPlatform ? PLATFORM : id, name };
};

function teamItems(tenants: TenantStore): Item[] {
  const keys = teamKeys(tenants);
  const items = tenants.all().map((row): Item => {
    const people = tenants
      .members(row.id)
      .flatMap(({ email, role }) => (email === null ? [] : [{ email, role }]))
      .sort((a, b) => byText(a.email, b.email));
    const isPlatform = row.id === PLATFORM;
    const own = isPlatform ? { isPlatform } : { id: row.id, plan: row.plan, quotas: tenants.quotas(row.id) };
    return { key: keys.keyOf(row.id), fields: { name: row.name, ...own, people } };
  });
  return items.sort((a, b) => a.key.localeCompare(b.key, 'en', { numeric: true }));
}

/** Teams, with the people in them by email address. People who are not members yet are invited. */
export function teamsKind({ tenants, directory, teams }: TeamsKindDeps): Kind {
  const actAs = (principal: Principal, tenantId: string): Principal => ({ ...principal, tenantId });

  async function people(id: string, change: Change, { principal }: Context, { invites }: Outcome) {
    const { after, begun } = change;
    const { name: team, people: asked = [] } = after as unknown as TeamFields;
    const before = begun === undefined ? change.before : begun;
    const listed = new Set(((before as TeamFields | null)?.people ?? []).map(({ email }) => email));
    const wanted = new Map(asked.map(({ email, role }) => [email, role]));
    const as = actAs(principal, id);
    // owners first, so that a team never loses its last one on the way
    const isOwner = (role: Role) => (role === 'owner' ? 0 : 1);
    for (const [email, role] of [...wanted].sort(([, a], [, b]) => isOwner(a) - isOwner(b))) {
      const member = tenants.members(id).find((one) => one.email === email);
      // the link of an invitation that a kill cut off was lost with its process, so it is sent again
      const isCutOff = begun !== undefined && member?.status === 'invited' && !listed.has(email);
      if (member?.role === role && !isCutOff) continue;
      if (member !== undefined && !isCutOff) teams.updateMember(as, member.user_id, role);
      else {
        const { emailSent, inviteUrl } = await teams.addMember(as, { email, role });
        invites.push({ team, email, emailSent, ...(inviteUrl === undefined ? {} : { inviteUrl }) });
      }
    }
    for (const email of listed) {
      if (wanted.has(email)) continue;
      const member = tenants.members(id).find((one) => one.email === email);
      if (member !== undefined) teams.removeMember(as, member.user_id);
    }
  }

  /** The team that changes, if it is there. */
  const idOf = ({ before, after, note }: Change): string | undefined => {
    const id = referenceTo(before ?? after ?? {}).id ?? note?.['id'];
    return id === undefined ? undefined : tenants.byId(id)?.id;
  };

  /** @returns the team’s id */
  async function put(
    known: string | undefined,
    change: Change,
    { principal }: Context,
    outcome: Outcome,
  ): Promise<string> {
    const { name: title, isPlatform, plan: price, quotas: limits, id: own } = change.after as unknown as TeamFields;
    if (known === undefined) {
      const id = change.note?.['id'] ?? own ?? `tnt_${randomUUID()}`;
      await outcome.note(change, { id });
      const body = defined({ name: title, plan: price, quotas: limits }) as CreateTenantBody;
      return (await directory.createTenant(body, principal, id)).tenant.id;
    }
    directory.updateTenant(known, defined({ name: title, plan: price }));
    if (!isPlatform) directory.setQuotas(known, limits ?? {});
    return known;
  }

  const file = listFile('teams.yaml', schema, (fields) => String(fields['name']));
  return {
    id: 'team',
    ...file,
    parse(docs) {
      const keys = teamKeys(tenants);
      const taken = new Set<string>();
      return file.parse(docs).map((item) => {
        const key = keys.keyFor(referenceTo(item.fields), taken);
        taken.add(key);
        return { ...item, key };
      });
    },
    read: () => teamItems(tenants),
    keyNow(key, fields, note) {
      const id = referenceTo(fields ?? {}).id ?? note?.['id'];
      return id === undefined ? key : teamKeys(tenants).keyFor({ id, name: String(fields?.['name'] ?? key) });
    },
    settle(before, wanted, prune) {
      const old = (before ?? {}) as Partial<TeamFields>;
      const next = wanted as unknown as TeamFields;
      const listed = next.people?.map(({ email, role }) => ({ email: email.trim().toLowerCase(), role }));
      const names = new Set(listed?.map(({ email }) => email));
      const stay = listed === undefined || !prune ? (old.people ?? []).filter(({ email }) => !names.has(email)) : [];
      const isPlatform = next.isPlatform === true;
      const limits = isPlatform ? {} : { plan: 'free', quotas: {} };
      return {
        ...limits,
        ...old,
        ...next,
        ...((old.id ?? next.id) ? { id: old.id ?? next.id } : {}),
        ...(isPlatform ? {} : { quotas: prune && next.quotas ? next.quotas : { ...old.quotas, ...next.quotas } }),
        people: [...(listed ?? []), ...stay].sort((a, b) => byText(a.email, b.email)),
      } as unknown as Fields;
    },
    check(changes, context) {
      const { named } = teamKeys(tenants);
      return checkEach(changes, context, (one) => {
        const { action, after, before, item, note } = one;
        const id = idOf(one);
        if (action === 'delete') {
          if (id === PLATFORM) throw new ApiError('PLATFORM_FIXED', { reason: 'it cannot be deleted' });
          const deleted = context.changes.filter(
            (change) => change.kind.id === 'app' && change.action === 'delete' && change.before?.['teamId'] === id,
          );
          const left = (id === undefined ? 0 : directory.countApps(id)) - deleted.length;
          if (left > 0) throw new ApiError('TENANT_HAS_APPS', { count: left });
          return;
        }
        const { name: title, isPlatform, people: listed = [] } = after as unknown as TeamFields;
        const others = named(title);
        // a team that a roll-back restores has its id
        const isRestored = item?.doc === undefined && (after?.['id'] ?? note?.['id']) !== undefined;
        if (id === undefined && others.length > 0 && !isRestored)
          throw fieldError(
            'body.id',
            `must tell which team is meant, because ${others.join(', ')} ${others.length === 1 ? 'has' : 'have'} this name`,
          );
        if (title.trim() !== title || title === '') throw fieldError('body.name', 'must not begin or end with a blank');
        if (isPlatform && ('plan' in (after ?? {}) || 'quotas' in (after ?? {})))
          throw new ApiError('PLATFORM_FIXED', { reason: 'it has no limits' });
        for (const [index, { email }] of listed.entries()) checkedEmail(email, `body.people.${index}.email`);
        const emails = listed.map(({ email }) => email);
        const twice = emails.find((email, index) => emails.indexOf(email) !== index);
        if (twice !== undefined) throw fieldError('body.people', `names ${twice} twice`);
        const owners =
          id === undefined ? [] : tenants.members(id).filter((one) => one.role === 'owner' && one.status === 'active');
        const stays = owners.some(
          ({ email }) => email === null || listed.some((one) => one.email === email && one.role === 'owner'),
        );
        if (before !== null && owners.length > 0 && !stays) throw new ApiError('LAST_OWNER');
      });
    },
    async apply(changes, context, outcome) {
      for (const change of changes) {
        const id = idOf(change);
        if (change.after !== null) await people(await put(id, change, context, outcome), change, context, outcome);
        else if (id !== undefined) directory.deleteTenant(id);
        await outcome.done(change);
      }
    },
    // a new team gets its id when it is made
    isMade: ({ before, after }) =>
      before === null || after === null
        ? undefined
        : canonical({ ...before, id: undefined }) === canonical({ ...after, id: undefined }),
  };
}
