import { Type } from 'typebox';
import type { TenantStore } from '#daemon/identity/people/tenant-store.ts';
import { PLATFORM } from '#daemon/platform/principal.ts';

/** Which team is meant. */
export interface TeamReference {
  id?: string | undefined;
  name?: string | undefined;
}

export const TeamId = Type.Optional(
  Type.String({
    pattern: '^tnt_[\\w-]{1,60}$',
    'x-hint': 'the id of a team, as in an export',
    description: 'Id of the team. It tells which team is meant after a renaming, and if two have the same name.',
  }),
);

/** The teams that there are. Owners rename them, so a name alone means a team only if no other one has it. */
export interface TeamKeys {
  keyOf(id: string): string;
  nameOf(id: string): string | undefined;
  /** By the id if there is one, else by the name. */
  find(team: TeamReference): string | undefined;
  /**
   * Key of the team that is meant, or of one to come, which is the key of no other team.
   * @param coming keys of other teams to come
   */
  keyFor(team: TeamReference, coming?: ReadonlySet<string>): string;
  /** Ids of the teams of a name. */
  named(name: string): string[];
}

export function teamKeys(tenants: TenantStore): TeamKeys {
  const names = new Map(tenants.all().map(({ id, name }) => [id, name]));
  const byName = Map.groupBy([...names.keys()].sort(), (id) => (id === PLATFORM ? undefined : names.get(id)));
  const named = (name: string): string[] => byName.get(name) ?? [];
  const long = (id: string): string => `${names.get(id)} (${id})`;
  const reserved = new Set([PLATFORM, ...[...names.keys()].map(long)]);
  const keyOf = (id: string): string => {
    const name = names.get(id);
    if (id === PLATFORM || name === undefined) return id;
    return named(name).length === 1 && !reserved.has(name) ? name : long(id);
  };
  const keys = new Set([...names.keys()].map(keyOf));
  const find = ({ id, name }: TeamReference): string | undefined => {
    if (id !== undefined) return names.has(id) ? id : undefined;
    const [found, ...others] = named(name ?? '');
    return others.length === 0 ? found : undefined;
  };
  return {
    keyOf,
    nameOf: (id) => names.get(id),
    find,
    keyFor({ id, name = '' }, coming) {
      const found = find({ id, name });
      if (found !== undefined) return keyOf(found);
      let key = name;
      while (keys.has(key) || (id !== undefined && coming?.has(key))) key = `${key} (${id ?? 'new'})`;
      return key;
    },
    named,
  };
}
