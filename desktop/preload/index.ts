import { contextBridge, ipcRenderer } from 'electron';
import { createBridge } from '#shared/ipc/bridge.ts';

/** Channel on which all calls go; their own channel's name is the first argument. */
const CALL = 'streamhub:call';
/** Channel on which all pushes come. */
const PUSH = 'streamhub:push';

const listeners = new Map<string, Set<(payload: unknown) => void>>();

// one listener for all pushes: neither the event object nor ipcRenderer itself ever reaches the page
ipcRenderer.on(PUSH, (_event, channel: string, payload: unknown) => {
  for (const listener of listeners.get(channel) ?? []) listener(payload);
});

contextBridge.exposeInMainWorld(
  'streamhub',
  createBridge({
    invoke: (channel, args) => ipcRenderer.invoke(CALL, channel, args),
    listen: (channel, listener) => {
      const heard = listeners.get(channel) ?? new Set();
      listeners.set(channel, heard.add(listener));
      return () => heard.delete(listener);
    },
  }),
);
