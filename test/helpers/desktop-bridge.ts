// Runs in the page before anything else, in the place of the desktop's preload script: the same bridge, over a socket.
import { createBridge } from '#shared/ipc/bridge.ts';

interface Answer {
  id?: number;
  outcome?: unknown;
  channel?: string;
  payload?: unknown;
}

const listeners = new Map<string, Set<(payload: unknown) => void>>();
const waiting = new Map<number, (outcome: unknown) => void>();
const held: string[] = [];
let calls = 0;

const socket = new WebSocket(`ws://${location.host}/bridge`);
socket.onopen = () => {
  for (const message of held.splice(0)) socket.send(message);
};
socket.onmessage = ({ data }: MessageEvent<string>) => {
  const { id, outcome, channel, payload } = JSON.parse(data) as Answer;
  if (id !== undefined) {
    waiting.get(id)?.(outcome);
    waiting.delete(id);
  } else for (const listener of listeners.get(channel ?? '') ?? []) listener(payload);
};

const bridge = createBridge({
  invoke: (channel, args) =>
    new Promise((resolve) => {
      const id = (calls += 1);
      waiting.set(id, resolve);
      const message = JSON.stringify({ id, channel, args });
      if (socket.readyState === WebSocket.OPEN) socket.send(message);
      else held.push(message);
    }),
  listen: (channel, listener) => {
    const heard = listeners.get(channel) ?? new Set();
    listeners.set(channel, heard.add(listener));
    return () => heard.delete(listener);
  },
});

Object.defineProperty(window, 'streamhub', { value: bridge });
