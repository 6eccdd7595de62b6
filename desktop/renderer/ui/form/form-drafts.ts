import { useCallback } from 'react';
import { create } from 'zustand';
import { useMaybeDaemon } from '../../daemon/daemon-context.tsx';
import { useSignedIn } from '../../daemon/signed-in.ts';

/**
 * Half-filled forms, by daemon, person and name. In memory only: they may hold credentials. They outlive tabs and a
 * session's end.
 */
const useForms = create<Record<string, unknown>>(() => ({}));

// signing out on purpose drops them
useSignedIn.subscribe((now, before) => {
  const gone = Object.keys(before).filter((id) => now[id] === undefined);
  const kept = Object.entries(useForms.getState()).filter(([key]) => !gone.some((id) => key.startsWith(`${id}/`)));
  useForms.setState(Object.fromEntries(kept), true);
});

/** What was typed into a form, still there when one comes back to the page. */
export function useFormDrafts<T>(name: string): [T | undefined, (value: T) => void, () => void] {
  const daemon = useMaybeDaemon();
  const key = `${daemon?.id ?? ''}/${daemon?.user ?? ''}/${name}`;
  const value = useForms((forms) => forms[key] as T | undefined);
  const set = useCallback(
    (next: T) => {
      useForms.setState({ [key]: next });
    },
    [key],
  );
  const clear = useCallback(() => {
    const { [key]: _gone, ...rest } = useForms.getState();
    useForms.setState(rest, true);
  }, [key]);
  return [value, set, clear];
}
