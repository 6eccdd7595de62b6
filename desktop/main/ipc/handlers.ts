import { writeFile } from 'node:fs/promises';
import type { IpcHandlers } from '#shared/ipc/index.ts';
import { failure } from '#shared/ipc/outcome.ts';
import type { Parts } from '../parts.ts';
import { report } from '../report.ts';
import { externalAddress } from '../shell/security.ts';

/** Every call of the contract and the part of the core that answers it. */
export function handlers(parts: Parts): IpcHandlers {
  const { connections, requests, streams, tests, keychain, terminals, localDaemon, preferences, shell } = parts;
  return {
    connections: {
      list: () => connections.list(),
      add: (wanted) => connections.add(wanted),
      test: ({ target, testId }) =>
        'id' in target ? tests.known(connections.get(target.id), testId) : tests.candidate(target, testId),
      stopTest: ({ testId }) => nothing(tests.stop(testId)),
      update: ({ id, ...change }) => connections.update(id, change),
      reorder: async ({ ids }) => nothing(await connections.reorder(ids)),
      remove: async ({ id }) => {
        await connections.remove(id);
        parts.notices.forget(id);
        return null;
      },
      signIn: ({ id, credential, keep }) => connections.signIn(id, credential, keep),
      signOut: ({ id }) => connections.signOut(id),
      trust: ({ id, fingerprint }) => connections.trust(id, fingerprint),
      retry: ({ id }) => nothing(connections.get(id).connection.retry()),
      snapshot: ({ id }) => connections.snapshot(id),
    },
    http: {
      request: (request) => requests.send(request),
      cancel: ({ requestId }) => nothing(requests.cancel(requestId)),
      download: async ({ connectionId, path, suggestedName }) => {
        connections.get(connectionId);
        const file = await shell.chooseFile(suggestedName);
        return file === null ? null : { file, bytes: await requests.download(connectionId, path, file) };
      },
    },
    events: {
      since: ({ connectionId, after }) => {
        const { log } = connections.get(connectionId);
        const events = after === null ? [] : log.since(after);
        return { events: events ?? [], complete: events !== undefined };
      },
      open: ({ connectionId, path, lastEventId }) => ({ streamId: streams.open(connectionId, path, lastEventId) }),
      close: ({ streamId }) => nothing(streams.close(streamId)),
    },
    keychain: {
      state: () => keychain.state(),
      unlock: () => keychain.unlock(),
      keep: async ({ id }) => {
        await connections.keepInKeychain(id);
        return await keychain.state();
      },
    },
    terminal: {
      available: () => terminals.available(),
      open: ({ command, columns, rows }) => terminals.open(command, columns, rows),
      write: ({ terminalId, data }) => nothing(terminals.write(terminalId, data)),
      resize: ({ terminalId, columns, rows }) => nothing(terminals.resize(terminalId, columns, rows)),
      ack: ({ terminalId, characters }) => nothing(terminals.ack(terminalId, characters)),
      close: ({ terminalId }) => nothing(terminals.close(terminalId)),
    },
    localDaemon: {
      state: () => localDaemon.state,
      start: ({ keep }) => localDaemon.start(keep),
      stop: () => localDaemon.stop(),
    },
    desktop: {
      about: () => ({
        version: shell.versions.app,
        electron: shell.versions.electron,
        chrome: shell.versions.chrome,
        node: process.versions.node,
        platform: process.platform,
        arch: process.arch,
        userData: parts.userData,
      }),
      report: () => report(parts),
      preferences: () => preferences.get(),
      setPreferences: (change) => preferences.set(change),
      window: () => shell.window(),
      openExternal: async ({ url }) => {
        const address = externalAddress(url);
        if (address === undefined)
          throw failure('BAD_URL', { url: url.slice(0, 200), reason: 'only web and mail addresses can be opened' });
        return nothing(await shell.openExternal(address));
      },
      copyText: ({ text }) => nothing(shell.copyText(text)),
      saveText: async ({ suggestedName, text }) => {
        const file = await shell.chooseFile(suggestedName);
        if (file === null) return null;
        try {
          await writeFile(file, text);
        } catch (error) {
          throw failure('FILE_UNWRITABLE', { file, reason: (error as Error).message }, { cause: error });
        }
        return file;
      },
      ready: () => parts.commands.ready(),
    },
  };
}

/** The answer of a call that has none. */
const nothing = (_done: unknown): null => null;
