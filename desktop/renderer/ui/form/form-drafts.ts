import { useCallback } from 'react';
import { create } from 'zustand';

/**
 * Half-filled forms, by name. In memory only: they may hold credentials. They outlive tabs and a
 * session's end.
 */
const useForms = create<Record<string, unknown>>(() => ({}));

/** What was typed into a form, still there when one comes back to the page. */
export function useFormDrafts<T>(name: string): [T | undefined, (value: T) => void, () => void] {
  const value = useForms((forms) => forms[name] as T | undefined);
  const set = useCallback(
    (next: T) => {
      useForms.setState({ [name]: next });
    },
    [name],
  );
  const clear = useCallback(() => {
    const { [name]: _gone, ...rest } = useForms.getState();
    useForms.setState(rest, true);
  }, [name]);
  return [value, set, clear];
}
