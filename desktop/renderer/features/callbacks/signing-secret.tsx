import { Button } from '@mantine/core';
import { getCallbacks } from '#shared/contract/callbacks.ts';
import { Copy } from '../../ui/data/copy.tsx';
import { StoredSecret } from './stored-secret.tsx';

function generated(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Sets the secret with which events are signed. */
export function SigningSecret({ app, isSigned }: { app: string; isSigned: boolean }) {
  return (
    <StoredSecret
      app={app}
      field="callbackSecret"
      word="secret"
      title={`Signing secret of ${app}`}
      label="Secret"
      isSet={isSigned}
      shownBy={getCallbacks}
      more={(text, fill) => (
        <>
          {text === '' ? null : <Copy text={text} what="secret" />}
          <Button onClick={() => fill(generated())}>Generate secret</Button>
        </>
      )}
    >
      Each event is signed with it, so that the receiver can tell that it comes from here. Give the receiver the same
      text. {isSigned ? 'The current secret stops working immediately.' : ''}
    </StoredSecret>
  );
}
