/**
 * Rooms belong to apps by their names: an app owns the room that is called like its prefix, and all that begin with the
 * prefix and a dash. That is the tree of a prefix. Everything that follows from it is decided here.
 */

/** An app's claim to the tree of a prefix. */
export interface PrefixClaim {
  /** Ids grow: of two claims the lower one is older. */
  readonly id: number;
  /** Name of the app. */
  readonly name: string;
  readonly roomPrefix: string;
  readonly tenantId: string;
}

/** Is the room in the tree of the prefix? */
export const isRoomOf = (room: string, prefix: string): boolean => room === prefix || room.startsWith(`${prefix}-`);

/** The room of an app that a wish means: the prefix is added unless it is there. */
export const roomNamed = (wish: string, prefix: string): string =>
  isRoomOf(wish, prefix) ? wish : `${prefix}-${wish}`;

/** All prefixes in whose trees a name is, the longest first: the name, then what is before each dash. */
export function* prefixesOf(name: string): Generator<string> {
  for (let end = name.length; end > 0; end = name.lastIndexOf('-', end - 1)) yield name.slice(0, end);
}

/** Do the trees of two prefixes have a room in common? */
export const shareRooms = (one: string, other: string): boolean => isRoomOf(one, other) || isRoomOf(other, one);

/** Claims by prefix. Looking one up costs no more with many apps. */
export class RoomPrefixes<C extends PrefixClaim> {
  readonly #at = new Map<string, Set<C>>();
  readonly #within = new Map<string, Set<C>>();

  add(claim: C): void {
    put(this.#at, claim.roomPrefix, claim);
    for (const prefix of prefixesOf(claim.roomPrefix)) put(this.#within, prefix, claim);
  }

  delete(claim: C): void {
    take(this.#at, claim.roomPrefix, claim);
    for (const prefix of prefixesOf(claim.roomPrefix)) take(this.#within, prefix, claim);
  }

  /** Claims whose trees share a room with the tree of this prefix: the same prefix, shorter ones above, longer ones below. */
  overlapping(prefix: string): C[] {
    const found = new Set(this.#within.get(prefix));
    for (const above of prefixesOf(prefix)) for (const claim of this.#at.get(above) ?? []) found.add(claim);
    return [...found];
  }

  /**
   * The claim that forbids this one. No two apps have the same prefix. Within a team prefixes may be nested; trees of
   * different teams share no room, or one team would get the rooms of the other.
   */
  conflictWith({ name, roomPrefix, tenantId }: Omit<PrefixClaim, 'id'>): C | undefined {
    return this.overlapping(roomPrefix).find(
      (other) => other.name !== name && (other.roomPrefix === roomPrefix || other.tenantId !== tenantId),
    );
  }

  /** The older claim of another team that shares rooms with this one. There is none unless the data are from before the rule. */
  olderRival(claim: C): C | undefined {
    return this.overlapping(claim.roomPrefix).find((other) => outranks(other, claim));
  }

  /**
   * Whose room it is: of the claims whose trees have it, the one with the longest prefix. A claim within the tree of
   * another team's older claim does not count.
   */
  ownerOf(room: string): C | undefined {
    const claims: C[] = [];
    for (const prefix of prefixesOf(room)) for (const claim of this.#at.get(prefix) ?? []) claims.push(claim);
    if (claims.length < 2) return claims[0];
    const valid: C[] = [];
    for (const claim of claims.reverse()) if (!valid.some((above) => outranks(above, claim))) valid.push(claim);
    return valid.at(-1);
  }
}

const outranks = (one: PrefixClaim, other: PrefixClaim): boolean =>
  one.tenantId !== other.tenantId && one.id < other.id;

function put<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const set = map.get(key);
  if (set === undefined) map.set(key, new Set([value]));
  else set.add(value);
}

function take<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const set = map.get(key);
  if (set?.delete(value) && set.size === 0) map.delete(key);
}
