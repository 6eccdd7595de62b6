import { networkFailure } from '#daemon/platform/net/network-failures.ts';
import { plural } from '#shared/format.ts';
import { CONDITIONS, judge, type Threshold } from '#shared/rules/conditions.ts';
import { type Check, type Finding, failed, fine, skipped, warning } from './check.ts';
import { type Probes, readProbe } from './probes.ts';

export interface AddressDeps {
  /** Base URL for people and nodes; null = none is set. */
  publicBase(): string | null;
  /** Where the daemon listens. */
  listensAt(): string;
  /** LiveKit’s WebSocket address for browsers. */
  liveKitForBrowsers(): string;
  probes: Probes;
  certificateEnd(url: string): Promise<number | undefined>;
  now(): number;
}

const REQUEST_MS = 8000;
const DAY_MS = 86_400_000;
const MAX_TEXT = 65_536;

/** Whether the addresses that people and nodes get lead here, and their certificates. */
export function addressChecks(deps: AddressDeps): Check[] {
  const group = 'addresses';
  return [
    { id: 'public-address', group, title: 'Public address', run: () => publicAddress(deps) },
    { id: 'livekit-address', group, title: 'LiveKit’s address for browsers', run: () => liveKitAddress(deps) },
    {
      id: 'certificate',
      group,
      title: 'Certificate of the public address',
      run: () => certificate(deps, deps.publicBase() ?? ''),
    },
    {
      id: 'livekit-certificate',
      group,
      title: 'Certificate of LiveKit',
      run: () => certificate(deps, deps.liveKitForBrowsers()),
    },
  ];
}

async function publicAddress({ publicBase, listensAt, probes }: AddressDeps): Promise<Finding> {
  const base = publicBase();
  if (base === null)
    return warning(
      `PUBLIC_BASE_URL is not set. Links in mail, webhooks and join commands lead to ${listensAt()}, which other machines may not reach.`,
      'Set PUBLIC_BASE_URL to the address under which others reach this daemon.',
    );
  const where = `Set PUBLIC_BASE_URL to the address that leads to this daemon, or correct DNS and the proxy in front of it.`;
  return probes.during(async (nonce) => {
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(`${base}/api/v1/system/check/probes/${nonce}`, {
        redirect: 'manual',
        signal: AbortSignal.timeout(REQUEST_MS),
      });
      text = (await answer.text()).slice(0, MAX_TEXT);
    } catch (error) {
      return failed(`${base} can’t be reached from here: ${whyOf(error)}.`, where);
    }
    const probe = answer.ok ? readProbe(text) : undefined;
    if (probe === undefined) {
      const target = answer.headers.get('location');
      if (target !== null)
        return failed(
          `${base} leads to another address (${answer.status}).`,
          `Set PUBLIC_BASE_URL to that address, with https.`,
        );
      return failed(`${base} does not lead to this daemon: another server answers with ${answer.status}.`, where);
    }
    if (probe.isForwarded && !probe.isTrusted)
      return failed(
        `${base} leads here through a proxy, ${probe.address}, that is not trusted. All its clients count as one address.`,
        `Add ${probe.address} to STREAMHUB_TRUSTED_PROXIES.`,
      );
    const isSecure = base.startsWith('https:');
    if (isSecure && probe.protocol !== 'https')
      return warning(
        `${base} leads here, but the proxy does not say that it was asked over https.`,
        'Let the proxy send X-Forwarded-Proto. The files in build/proxy show how.',
      );
    return fine(`${base} leads to this daemon${probe.isForwarded ? ', through a trusted proxy' : ''}.`);
  });
}

async function liveKitAddress({ publicBase, liveKitForBrowsers }: AddressDeps): Promise<Finding> {
  const address = liveKitForBrowsers();
  if (address === '') return skipped('LiveKit is not connected.');
  if (publicBase()?.startsWith('https:') && !/^(?:wss|https):/.test(address))
    return failed(
      `Browsers get ${address}, but they open only wss: from a page with https.`,
      'Put a proxy with TLS in front of LiveKit, and set PUBLIC_WS_URL to its wss: address.',
    );
  const cure = 'Set PUBLIC_WS_URL to LiveKit’s address for browsers, or correct DNS and the proxy in front of LiveKit.';
  try {
    const answer = await fetch(address.replace(/^ws/, 'http'), {
      redirect: 'manual',
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    // LiveKit says OK at its root
    const text = (await answer.text()).slice(0, MAX_TEXT);
    return answer.ok && text.trim() === 'OK'
      ? fine(`${address} leads to LiveKit.`)
      : failed(`${address} does not lead to LiveKit: another server answers with ${answer.status}.`, cure);
  } catch (error) {
    return failed(`${address} can’t be reached from here: ${whyOf(error)}.`, cure);
  }
}

async function certificate({ certificateEnd, now }: AddressDeps, url: string): Promise<Finding> {
  if (!/^(?:https|wss):/.test(url)) return skipped('The address has no TLS.');
  const end = await certificateEnd(url);
  if (end === undefined) return skipped('The server can’t be reached; see its address.');
  const days = (end - now()) / DAY_MS;
  const threshold = CONDITIONS['certificate-ending'].threshold as Threshold;
  const verdict = judge(threshold, days, threshold.default);
  const message =
    days < 0 ? 'The certificate has ended.' : `The certificate is valid for ${plural(Math.floor(days), 'day')}.`;
  if (verdict === undefined) return fine(message);
  const cure = 'Renew it, and check what should have renewed it: the log of Caddy, or the timer of certbot.';
  return verdict.isMild ? warning(message, cure) : failed(message, cure);
}

function whyOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: unknown } };
  if (name === 'TimeoutError') return `no answer within ${REQUEST_MS / 1000} s`;
  return networkFailure(cause?.code) ?? 'the request failed';
}
