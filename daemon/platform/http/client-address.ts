import type { FastifyRequest } from 'fastify';
import { parseAddress, rangeText } from '../net/addresses.ts';

/**
 * The address that a request came from: the rightmost entry of `X-Forwarded-For` that is not a trusted proxy, else the
 * socket's address. Entries further left are ignored, because clients can write them. So is text that is not an address.
 */
export function clientAddress(request: FastifyRequest): string {
  const socket = request.raw.socket.remoteAddress ?? '';
  const forwarded = request.ip ?? socket;
  const address = parseAddress(forwarded) ?? parseAddress(withoutPort(forwarded)) ?? parseAddress(socket);
  return address?.toString() ?? socket;
}

const withoutPort = (text: string): string =>
  /^\[(?<ip>[^\]]+)\](?::\d+)?$|^(?<ip4>[\d.]+):\d+$/
    .exec(text)
    ?.slice(1)
    .find((part) => part !== undefined) ?? text;

/** The key that limits and bans count by: an IPv6 client can use any address of its /64, so the /64 counts as one. */
export function addressKey(text: string): string {
  const address = parseAddress(text);
  if (address === undefined) return text;
  return address.kind() === 'ipv4' ? address.toString() : (rangeText(`${address.toString()}/64`) as string);
}
