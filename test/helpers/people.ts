import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { Role } from '#shared/permissions.ts';
import { Client, type TestDaemon } from './daemon.ts';

export const PASSWORD = 'correct horse battery';

/** Who signs in from a separate browser. */
export interface Person {
  id: string;
  email: string;
  api: Client;
}

/** The link's last part, which is what the console sends. */
export const linkToken = (url: string): string => {
  const token = new URL(url).hash.slice(1);
  if (token === '') throw new Error(`no token in ${url}`);
  return token;
};

/** Makes the first account through the setup link. */
export async function firstAdmin(daemon: TestDaemon, email = 'root@example.com'): Promise<Person> {
  const { setup } = daemon.firstStart;
  if (setup === null) throw new Error('the daemon offers no setup link');
  const answer = await daemon.api.as(null).post('/auth/setup', { token: setup.token, email, password: PASSWORD });
  return person(daemon, answer, email);
}

/** Opens another session of somebody whose password is PASSWORD. */
export async function signIn(daemon: TestDaemon, email: string, password = PASSWORD): Promise<Person> {
  return person(daemon, await daemon.api.as(null).post('/auth/login', { user: email, password }), email);
}

/** Invites through the API and accepts with the link that the inviter was shown. */
export async function join(daemon: TestDaemon, inviter: Client, email: string, role: Role): Promise<Person> {
  const invited = await inviter.post('/teams/mine/members', { email, role });
  if (invited.status !== 201) throw new Error(`invitation refused: ${invited.text}`);
  const answer = await daemon.api
    .as(null)
    .post('/auth/invite/accept', { token: linkToken(invited.body.data.inviteUrl), password: PASSWORD });
  return person(daemon, answer, email);
}

/** A separate team with an owner who accepted. */
export async function makeTeam(
  daemon: TestDaemon,
  name: string,
  quotas: Record<string, number> = {},
): Promise<{ id: string; owner: Person }> {
  const email = `${name}-owner@example.com`;
  const made = await daemon.api.post('/tenants', { name, ownerEmail: email, quotas });
  if (made.status !== 201) throw new Error(`team refused: ${made.text}`);
  const answer = await daemon.api
    .as(null)
    .post('/auth/invite/accept', { token: linkToken(made.body.data.invite.inviteUrl), password: PASSWORD });
  return { id: made.body.data.tenant.id, owner: await person(daemon, answer, email) };
}

async function person(
  daemon: TestDaemon,
  answer: { status: number; text: string; body: any },
  email: string,
): Promise<Person> {
  if (answer.status >= 300) throw new Error(`sign-in refused: ${answer.status} ${answer.text}`);
  const api = new Client(daemon.url, answer.body.data.token);
  const me = await api.get('/auth/me');
  return { id: me.body.data.userId, email, api };
}

/** Sign-in attempts allowed, so that a test with many sign-ins from one address is not limited itself. */
export const MANY_ATTEMPTS = { AUTH_RATE_LIMIT_MAX: '100000' };

export interface Mailbox {
  port: number;
  env: Record<string, string>;
  /** Waits for the next message to this address and answers with its raw text. */
  next(to: string): Promise<string>;
  /** All messages received so far. */
  readonly received: { to: string; raw: string }[];
}

/** A real SMTP server on loopback that keeps what it is sent. */
export async function mailbox(
  t: { after(fn: () => unknown): void },
  options: { user?: string; pass?: string; refuse?: (address: string) => number | undefined } = {},
): Promise<Mailbox> {
  const received: { to: string; raw: string }[] = [];
  const waiting: { to: string; resolve(raw: string): void }[] = [];
  const taken = new Set<object>();
  const server = new SMTPServer({
    disabledCommands: options.pass === undefined ? ['STARTTLS', 'AUTH'] : ['STARTTLS'],
    allowInsecureAuth: true,
    authOptional: options.pass === undefined,
    onAuth: ({ username, password }, _session, done) =>
      username === options.user && password === options.pass
        ? done(null, { user: username })
        : done(new Error('wrong password')),
    onRcptTo: ({ address }, _session, done) => {
      const responseCode = options.refuse?.(address);
      done(responseCode === undefined ? null : Object.assign(new Error('no such mailbox'), { responseCode }));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const raw = Buffer.concat(chunks).toString('utf8');
        for (const { address } of session.envelope.rcptTo) deliver(address, raw);
        done();
      });
    },
  });
  const deliver = (to: string, raw: string): void => {
    const message = { to, raw };
    received.push(message);
    const index = waiting.findIndex((w) => w.to === to);
    if (index < 0) return;
    taken.add(message);
    waiting.splice(index, 1)[0]?.resolve(raw);
  };
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  t.after(() => new Promise<void>((resolve) => server.close(resolve)));
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    received,
    env: {
      STREAMHUB_SMTP_HOST: '127.0.0.1',
      STREAMHUB_SMTP_PORT: String(port),
      STREAMHUB_SMTP_FROM: 'streamhub@example.com',
      STREAMHUB_APP_URL: 'https://console.example.com',
      ...(options.pass === undefined
        ? {}
        : { STREAMHUB_SMTP_USER: options.user ?? '', STREAMHUB_SMTP_PASS: options.pass }),
    },
    next(to) {
      const there = received.find((message) => message.to === to && !taken.has(message));
      if (there !== undefined) {
        taken.add(there);
        return Promise.resolve(there.raw);
      }
      return new Promise((resolve) => waiting.push({ to, resolve }));
    },
  };
}

/** The link in a received message. */
export function linkIn(raw: string): string {
  const text = raw.replace(/=\r?\n/g, '').replace(/=3D/g, '=');
  const found = /https?:\/\/\S+#[\w-]+/.exec(text)?.[0];
  if (found === undefined) throw new Error(`no link in:\n${raw}`);
  return found;
}
