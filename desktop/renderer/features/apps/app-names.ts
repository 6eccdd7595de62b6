import { isRoomOf, shareRooms } from '#shared/rules/rooms.ts';
import { ROOM_PREFIX_PATTERN } from '#shared/schema/common.ts';

const NAME = /^[a-z0-9][a-z0-9-]{1,30}[a-z0-9]$/;
const PREFIX = new RegExp(ROOM_PREFIX_PATTERN);

/**
 * What the prefix means for the caller's other apps: rooms go to the longest prefix that matches.
 * @returns undefined when no other app's rooms are concerned
 */
export function nestingNote(prefix: string, apps: Taken, own?: string): string | undefined {
  const others = apps.filter(
    ({ name, livekitRoomPrefix: other }) => name !== own && other !== prefix && shareRooms(other, prefix),
  );
  const [above] = others.filter(({ livekitRoomPrefix: other }) => isRoomOf(prefix, other));
  if (above) return `Rooms called ${prefix} or ${prefix}-… go to this app instead of ${above.name}.`;
  const [below] = others;
  return below && `Rooms called ${below.livekitRoomPrefix} or ${below.livekitRoomPrefix}-… stay with ${below.name}.`;
}

type Taken = readonly { name: string; livekitRoomPrefix: string }[];

/** Checks a name for a new app, as far as the page can. */
export function nameProblem(name: string, apps: Taken): string | undefined {
  if (/[^a-z0-9-]/.test(name)) return `${/[^a-z0-9-]/.exec(name)?.[0]} is not allowed in a name.`;
  if (name.startsWith('-') || (name.endsWith('-') && name.length > 1))
    return 'The first and last character must be a letter or digit.';
  if (name.length < 3) return 'At least 3 characters.';
  if (!NAME.test(name)) return 'At most 32 characters.';
  if (apps.some((app) => app.name === name)) return 'An app with this name exists.';
  return undefined;
}

/** Checks a room prefix. */
export function prefixProblem(prefix: string, apps: Taken, own?: string): string | undefined {
  if (!PREFIX.test(prefix)) return 'Lowercase letters, digits and dashes; a letter or digit first.';
  const other = apps.find((app) => app.livekitRoomPrefix === prefix && app.name !== own);
  return other === undefined ? undefined : `It belongs to the app ${other.name}.`;
}
