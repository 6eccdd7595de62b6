import { create } from 'zustand';

interface SignedIn {
  user: string;
  /** People who were signed in before on the same pages. */
  before: number;
}

/** Who was last signed in to a connection since the page was loaded: the pages stay when a session ends. */
export const useSignedIn = create<Record<string, SignedIn | undefined>>(() => ({}));

/** @returns false when the pages show what somebody else has read */
export function noteSignedIn(id: string, user: string): boolean {
  const last = useSignedIn.getState()[id];
  if (last?.user === user) return true;
  useSignedIn.setState({ [id]: { user, before: last === undefined ? 0 : last.before + 1 } });
  return last === undefined;
}
/** After signing out on purpose the pages go. */
export const forgetSignedIn = (id: string): void => useSignedIn.setState({ [id]: undefined });
