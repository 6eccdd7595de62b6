import type { ManagedLiveKitService } from '#daemon/operations/livekit/service.ts';
import type { Kind } from '../kind.ts';
import { singleKind } from './single.ts';

/** LiveKit's own settings, as text. They hold no keys. */
export const livekitKind = ({ managedLiveKit }: { managedLiveKit: ManagedLiveKitService }): Kind => {
  const { own } = managedLiveKit;
  return singleKind({
    id: 'livekit',
    file: 'livekit.yaml',
    schema: null,
    read: () => (own.latest === undefined || own.latest.text === '' ? null : { text: own.latest.text }),
    check: ({ after }) => own.check(String(after?.['text'] ?? '')),
    apply: ({ after }, { actor }) => {
      own.save(String(after?.['text'] ?? ''), actor, undefined);
      managedLiveKit.rollOut();
    },
  });
};
