import type { LiveKit } from '#daemon/media/livekit/client.ts';
import { LiveKitError } from '#daemon/media/livekit/errors.ts';
import { nearHosts } from '#daemon/platform/net/addresses.ts';
import { proxyFor, proxySettings } from '#daemon/platform/net/proxy.ts';
import { addressOf, resolveHost, tryAddress } from './network.ts';
import { type Step, StepFailure } from './steps.ts';

export interface LiveKitSettings {
  livekitUrl: string;
  livekitApiKey: string;
  livekitApiSecret: string;
}

/** What it means that all steps went well; who carries the orders out is another question. */
export const LIVEKIT_WORKS = 'LiveKit accepts the key, and takes orders for recordings and ingests.';

/** Key and secret are tried with a question for the rooms; recordings and ingests need LiveKit's Redis beside it. */
export function livekitSteps(
  settings: LiveKitSettings,
  livekit: Pick<LiveKit, 'listRooms' | 'listEgress' | 'listIngress'>,
): Step[] {
  const { livekitUrl: url, livekitApiKey, livekitApiSecret } = settings;
  const address = addressOf(url, { plain: 80, secure: 443 });
  const settled = proxySettings(process.env, nearHosts([url]));
  const proxy = proxyFor(settled, { ...address, isTls: address.isSecure });
  return [
    {
      id: 'settings',
      run() {
        const missing = [
          ...(livekitApiKey.trim() === '' ? ['LIVEKIT_API_KEY'] : []),
          ...(livekitApiSecret.trim() === '' ? ['LIVEKIT_API_SECRET'] : []),
        ];
        if (missing.length > 0) {
          throw new StepFailure(
            `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set.`,
            'Copy both from the `keys` in LiveKit’s config, and set them here or for the daemon.',
          );
        }
        return 'Address, key and secret are set.';
      },
    },
    {
      id: 'resolve',
      run: () => (proxy ? `The proxy ${proxy.origin} resolves the name.` : resolveHost(address, 'LIVEKIT_URL')),
    },
    { id: 'connect', run: () => (proxy ? 'See the next step.' : tryAddress(address, 'LIVEKIT_URL')) },
    {
      id: 'signIn',
      async run() {
        const rooms = await livekit.listRooms().catch((error: unknown) => {
          throw asFailure(error);
        });
        return `The key is accepted; ${rooms.length === 1 ? '1 room is' : `${rooms.length} rooms are`} open.`;
      },
    },
    {
      id: 'use',
      async run() {
        try {
          await Promise.all([livekit.listEgress(), livekit.listIngress()]);
          return 'LiveKit takes orders for recordings and ingests.';
        } catch (error) {
          // a single LiveKit without Redis carries rooms anyway
          if (error instanceof LiveKitError && error.failure !== 'unreachable' && error.failure !== 'foreign')
            return { skip: `Recordings and ingests are not available: ${error.message}. Rooms work.` };
          throw asFailure(error);
        }
      },
    },
  ];
}

function asFailure(error: unknown): unknown {
  if (!(error instanceof LiveKitError)) return error;
  const said = `LiveKit: ${error.message}.`;
  switch (error.failure) {
    case 'unauthorized':
      return new StepFailure(
        said,
        'LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be a pair of the `keys` in its config.',
      );
    case 'foreign':
    case 'missing':
      return new StepFailure(
        said,
        'Correct LIVEKIT_URL. It must be the address of LiveKit’s own port or of a proxy in front of it.',
      );
    case 'busy':
      return new StepFailure(said, 'Check LiveKit’s log and the Redis server in its config.');
    default:
      return new StepFailure(said, 'Check LiveKit’s log, and that LIVEKIT_URL is the address of LiveKit.');
  }
}
