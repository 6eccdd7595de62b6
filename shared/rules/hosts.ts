const LOOPBACK = /^(?:(?:[^.]+\.)*localhost\.?|127\.[\d.]+|\[::1\]|\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\])$/;
const UNSPECIFIED = /^(?:0\.0\.0\.0|\[::\]|\[::ffff:0:0\])$/;

/** Is this name or address of a host this machine's loopback? With or without the brackets of an IPv6 address. */
export const isLoopbackHost = (host: string): boolean =>
  LOOPBACK.test(host.includes(':') && !host.startsWith('[') ? `[${host}]` : host);

/** Does a link to this address open only on the machine that it names? The unspecified address reaches the machine that asks. */
export const isOnlyHere = ({ hostname }: URL): boolean => isLoopbackHost(hostname) || UNSPECIFIED.test(hostname);

/** The same for a text that may be no address. */
export const isUrlHere = (url: string): boolean => URL.canParse(url) && isOnlyHere(new URL(url));

/** Is it an address that a node can have for its clients: a URL, or an IP address alone? */
export function isClientAddress(text: string): boolean {
  if (/^(?:ws|http)s?:\/\/[^/]/i.test(text)) return URL.canParse(text);
  if (/^[\da-f:.]*:[\da-f:.]*$/i.test(text)) return URL.canParse(`ws://[${text}]`);
  return /^\d+(?:\.\d+){3}$/.test(text) && URL.canParse(`ws://${text}`);
}
export const CLIENT_ADDRESS = 'must be a ws://, wss://, http:// or https:// address with a host, or an IP address';
