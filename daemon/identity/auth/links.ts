import { hash, randomBytes } from 'node:crypto';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { isPrivateAddress } from '#daemon/platform/net/addresses.ts';
import { ApiError } from '#shared/errors.ts';
import { isOnlyHere } from '#shared/rules/hosts.ts';
import type { LinkRepository, LinkRow } from './link-repository.ts';

export type LinkKind = LinkRow['kind'];
const MINUTE = 60_000;
const LINK_LIFETIME: Readonly<Record<LinkKind, number>> = {
  login: 15 * MINUTE,
  invite: 72 * 60 * MINUTE,
  setup: 24 * 60 * MINUTE,
  email: 24 * 60 * MINUTE,
  'email-undo': 7 * 24 * 60 * MINUTE,
};
/** Path of the console's page for each kind; the token follows after `#`, which browsers keep to themselves. */
const PAGE: Readonly<Record<LinkKind, string>> = {
  login: '/magic',
  invite: '/invite',
  setup: '/setup',
  email: '/email',
  'email-undo': '/email-undo',
};
const KEPT_MS = 7 * 86_400_000;

export interface NewLink {
  kind: LinkKind;
  email?: string | null;
  userId?: string | null;
  tenantId?: string | null;
  /** An operator made it, who answers for the address. */
  vouched?: boolean;
  /** Of an email-undo link; see `LinkRow`. */
  suspectFrom?: string | null;
  /** Milliseconds; the kind's own unless given. */
  lifetime?: number;
}

export interface IssuedLink {
  id: number;
  /** Known only to the holder of the link; stored as a hash. */
  token: string;
  expiresAt: string;
}

/** One-time links that prove who holds them: for sign-in, invitations and the set-up. */
export class Links {
  readonly #repository: LinkRepository;
  readonly #clock: Clock;

  constructor(repository: LinkRepository, clock = SYSTEM_CLOCK) {
    this.#repository = repository;
    this.#clock = clock;
  }

  /** @param now the time by which what is old is deleted */
  start(now = this.#clock.now()): void {
    this.#repository.purge(new Date(now - KEPT_MS).toISOString());
  }

  /** After a jump of the clock: a link is good for as long as was said. */
  shift(ms: number): void {
    this.#repository.shift(ms);
  }

  issue({
    kind,
    email = null,
    userId = null,
    tenantId = null,
    vouched = false,
    suspectFrom = null,
    lifetime = LINK_LIFETIME[kind],
  }: NewLink): IssuedLink {
    const token = randomBytes(32).toString('base64url');
    const now = this.#clock.now();
    const expiresAt = new Date(now + lifetime).toISOString();
    const id = this.#repository.insert({
      token_hash: digest(token),
      kind,
      email,
      user_id: userId,
      tenant_id: tenantId,
      mailed: 0,
      vouched: vouched ? 1 : 0,
      suspect_from: suspectFrom,
      created_at: new Date(now).toISOString(),
      expires_at: expiresAt,
    });
    return { id, token, expiresAt };
  }

  /** Notes that the link went to the mailbox: only then it proves that its bearer reads that mail. */
  markMailed(id: number): void {
    this.#repository.markMailed(id);
  }

  /** A link that could still be used, of one of the kinds. @throws ApiError BAD_LINK */
  peek(token: string, ...kinds: LinkKind[]): LinkRow {
    const row = this.#repository.byHash(digest(token));
    const good =
      row !== undefined &&
      kinds.includes(row.kind) &&
      row.used_at === null &&
      Date.parse(row.expires_at) > this.#clock.now();
    if (!good) throw new ApiError('BAD_LINK');
    return row;
  }

  /** Uses the link up. @throws ApiError BAD_LINK when someone else was first */
  consume(row: LinkRow): void {
    if (!this.#repository.use(row.id, new Date(this.#clock.now()).toISOString())) throw new ApiError('BAD_LINK');
  }

  /** Makes the links of a kind void, of one person or team where given. */
  drop(kind: LinkKind, userId?: string, tenantId?: string): void {
    this.#repository.drop(kind, userId ?? null, tenantId ?? null);
  }

  /** Makes later links of the same kind and person void. */
  dropLater({ kind, user_id, id }: LinkRow): void {
    this.#repository.dropLater(kind, user_id ?? '', id);
  }

  /** Open invitations of one account become those of another. */
  moveInvites(from: string, to: string): void {
    this.#repository.moveInvites(from, to);
  }

  openInvite(userId: string, tenantId: string): LinkRow | undefined {
    return this.#repository.openInvite(userId, tenantId, new Date(this.#clock.now()).toISOString());
  }
}

/** The address that a person opens. */
export const linkUrl = (base: string, kind: LinkKind, token: string): string =>
  `${base.replace(/\/+$/, '')}${PAGE[kind]}#${token}`;

/** What keeps others from opening a link, and what to set; empty when nothing is known to. */
export function linkNotes(url: string): string[] {
  const link = new URL(url);
  const { hostname, protocol } = link;
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isOnlyHere(link))
    return [
      `The link leads to ${host}, which only the daemon’s own machine can open. Set PUBLIC_BASE_URL to the address that others use.`,
    ];
  const notes: string[] = [];
  if (isPrivateAddress(host)) notes.push(`The link leads to ${host}, which works only in the same network.`);
  if (protocol === 'http:')
    notes.push('The link uses HTTP without encryption: anyone on the way can read it and use it first.');
  return notes;
}

/** How an answer shows the link of an invitation; nothing where there is none. */
export const shownInvite = (inviteUrl: string | undefined) =>
  inviteUrl === undefined ? {} : { inviteUrl, linkNotes: linkNotes(inviteUrl) };

const digest = (token: string): string => hash('sha256', token, 'hex');
