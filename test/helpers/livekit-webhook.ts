import { hash } from 'node:crypto';
import { AccessToken } from 'livekit-server-sdk';
import type { Answer } from './daemon.ts';

export const LIVEKIT_KEYS = { LIVEKIT_API_KEY: 'APItest', LIVEKIT_API_SECRET: 'a-secret-of-thirty-two-characters' };

/** The Authorization header with which LiveKit sends a body. */
export async function signWebhook(
  body: string,
  key = LIVEKIT_KEYS.LIVEKIT_API_KEY,
  secret = LIVEKIT_KEYS.LIVEKIT_API_SECRET,
  ttl: string | number = '5m',
): Promise<string> {
  const token = new AccessToken(key, secret, { ttl });
  token.sha256 = hash('sha256', body, 'base64');
  return token.toJwt();
}

/** Sends an event as LiveKit does. */
export async function sendWebhook(
  url: string,
  event: object | string,
  more: { authorization?: string | null; key?: string; secret?: string } = {},
): Promise<Answer> {
  const body = typeof event === 'string' ? event : JSON.stringify(event);
  const authorization =
    more.authorization === undefined ? await signWebhook(body, more.key, more.secret) : more.authorization;
  const response = await fetch(`${url}/api/v1/webhooks/livekit`, {
    method: 'POST',
    headers: {
      'content-type': 'application/webhook+json',
      ...(authorization === null ? {} : { authorization }),
    },
    body,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
}

let counter = 0;
const now = (): string => String(Math.floor(Date.now() / 1000));

/** An event in the JSON of LiveKit, with a separate id. */
export function event(name: string, parts: Record<string, unknown>): Record<string, unknown> & { id: string } {
  counter += 1;
  return { event: name, id: `EV_${process.pid}_${counter}`, createdAt: now(), ...parts };
}

export const room = (name: string, sid = `RM_${name}`) => ({ name, sid });
export const participant = (identity: string, sid = `PA_${identity}`, more: object = {}) => ({
  identity,
  sid,
  ...more,
});
export const track = (sid: string, type = 'VIDEO') => ({ sid, type, source: 'CAMERA' });
