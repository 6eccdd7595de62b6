import type { Connection } from '#shared/ipc/connections.ts';
import type { DesktopBridge } from '#shared/ipc/index.ts';
import type { Outcome } from '#shared/ipc/outcome.ts';
import { type Bridge, HostError, unreachable } from './bridge.ts';

/** The value of an answer of the main process, or its failure thrown. */
export function opened<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new HostError(outcome.error);
}

/** The renderer's view of the desktop's main process. */
export function desktopBridge(native: DesktopBridge): Bridge {
  let known: Connection[] = [];
  let requests = 0;
  return {
    host: 'desktop',
    desktop: native,
    async connections() {
      known = opened(await native.connections.list()).connections;
      return known;
    },
    onConnections(listener) {
      const tell = (next: Connection[]): void => {
        known = next;
        listener(known);
      };
      const ends = [
        native.connections.onChanged(({ connections }) => tell(connections)),
        native.connections.onState(({ id, state }) => tell(known.map((c) => (c.id === id ? { ...c, state } : c)))),
      ];
      return () => {
        for (const end of ends) end();
      };
    },
    async request(connectionId, request, signal) {
      const { method, path, headers, body } = request;
      const requestId = `r${(requests += 1)}`;
      const cancel = (): void => void native.http.cancel({ requestId });
      signal.addEventListener('abort', cancel, { once: true });
      try {
        const outcome = await native.http.request({
          connectionId,
          requestId,
          method: method as 'GET',
          path,
          headers,
          ...(typeof body === 'string' ? { body } : body === undefined ? {} : { file: base64(body) }),
          timeoutMs: 600_000, // the client's own limit is shorter
        });
        if (outcome.ok) return outcome.value;
        throw unreachable(outcome.error, request);
      } finally {
        signal.removeEventListener('abort', cancel);
      }
    },
    onEvents: (listener) => native.events.onEvents(({ connectionId, events }) => listener(connectionId, events)),
    onGap: (listener) => native.events.onGap(({ connectionId }) => listener(connectionId)),
    openStream(connectionId, path, listener) {
      let streamId: string | undefined;
      let closed = false;
      const ends = [
        native.events.onStream((push) => {
          if (push.streamId === streamId) listener.onEvents(push.events);
        }),
        native.events.onStreamState((push) => {
          if (push.streamId === streamId) listener.onState(push.status, push.error?.message);
        }),
      ];
      const close = (): void => {
        closed = true;
        for (const end of ends) end();
        if (streamId !== undefined) void native.events.close({ streamId });
      };
      void native.events.open({ connectionId, path }).then((outcome) => {
        if (!outcome.ok) listener.onState('closed', outcome.error.message);
        else if (closed) void native.events.close({ streamId: outcome.value.streamId });
        else streamId = outcome.value.streamId;
      });
      return close;
    },
    async signIn(id, credential, keep) {
      opened(await native.connections.signIn({ id, credential, keep: keep ? 'keychain' : 'session' }));
    },
    async signOut(id) {
      opened(await native.connections.signOut({ id }));
    },
    async retry(id) {
      opened(await native.connections.retry({ id }));
    },
    async copyText(text) {
      opened(await native.desktop.copyText({ text }));
    },
    async saveText(suggestedName, text) {
      return opened(await native.desktop.saveText({ suggestedName, text })) !== null;
    },
  };
}

/** In parts, because a call takes only so many arguments. */
function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 32_768) text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  return btoa(text);
}
