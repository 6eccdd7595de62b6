import { Button, Checkbox } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { KeychainState } from '#shared/ipc/keychain.ts';
import { opened } from '../../host/bridge-desktop.ts';
import { bridge } from '../../host/host.ts';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';

/** Where the credential will be: in the keychain if wished; without one, or a locked one, in memory until the app ends. */
export function KeepChoice({
  keychain,
  keep,
  onKeep,
}: {
  keychain: KeychainState | undefined;
  keep: boolean;
  onKeep: (keep: boolean) => void;
}) {
  if (keychain === undefined) return null;
  if (keychain.state === 'ready')
    return (
      <Checkbox
        label={`Keep it in the ${keychain.service}`}
        checked={keep}
        onChange={(event) => onKeep(event.currentTarget.checked)}
      />
    );
  return (
    <Notice
      tone="info"
      title={keychain.message}
      action={keychain.state === 'locked' && keychain.canUnlock ? <UnlockKeychain /> : null}
    >
      <p>{keychain.hint} As it is, you stay signed in until the app ends.</p>
    </Notice>
  );
}

/** Asks the system to unlock the keychain, which may ask the person. */
export function UnlockKeychain() {
  const client = useQueryClient();
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const unlock = async (): Promise<void> => {
    const native = bridge().desktop?.keychain;
    if (native === undefined) return;
    setBusy(true);
    setFailure(undefined);
    try {
      client.setQueryData(['host', 'keychain'], opened(await native.unlock()));
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button size="xs" loading={isBusy} onClick={() => void unlock()}>
        Unlock keychain
      </Button>
      {failure === undefined ? null : <Problem error={failure} />}
    </>
  );
}
