import { create } from 'zustand';

/** Connections that were signed in at some time since the page was loaded: their pages stay when a session ends. */
export const useWasOnline = create<Record<string, boolean | undefined>>(() => ({}));

export const noteOnline = (id: string): void => {
  if (!useWasOnline.getState()[id]) useWasOnline.setState({ [id]: true });
};
/** After signing out on purpose the pages go. */
export const forgetOnline = (id: string): void => useWasOnline.setState({ [id]: false });
