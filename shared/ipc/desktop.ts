import { type Static, Type } from 'typebox';
import { nullable, object, oneOf } from '../schema/common.ts';
import { call, push } from './channel.ts';
import { ConnectionId } from './connections.ts';

const Theme = oneOf(['system', 'light', 'dark'] as const);

/** What a person set for this app; kept over restarts. */
export const Preferences = object({
  theme: Theme,
  notifyNodeLost: Type.Boolean(),
  notifyJobFailed: Type.Boolean(),
  notifyConnectionLost: Type.Boolean(),
  /** Closing the window leaves the app in the tray. */
  closeToTray: Type.Boolean(),
  /** The local daemon starts with the app. */
  startLocalDaemon: Type.Boolean(),
  /** The local daemon continues when the app quits. */
  keepLocalDaemon: Type.Boolean(),
});
export type Preferences = Static<typeof Preferences>;

export const WindowState = object({
  focused: Type.Boolean(),
  visible: Type.Boolean(),
  maximized: Type.Boolean(),
  fullScreen: Type.Boolean(),
});
export type WindowState = Static<typeof WindowState>;

/** What the shell (menu, tray, notification, deep link) asks the page to do. */
export const ShellCommand = Type.Union([
  object({
    kind: Type.Literal('navigate'),
    /** Place inside a connection's pages, e.g. `/cluster?node=1`; `/` = its overview. */
    path: Type.String({ pattern: '^/' }),
    connectionId: nullable(ConnectionId),
  }),
  object({
    kind: Type.Literal('add-connection'),
    url: nullable(Type.String()),
  }),
  object({
    kind: oneOf(['palette', 'shortcuts', 'settings', 'all-daemons', 'reload-data'] as const),
  }),
]);
export type ShellCommand = Static<typeof ShellCommand>;

export const desktop = {
  calls: {
    about: call(
      'Versions and the machine, for the about page and for reports.',
      object({}),
      object({
        version: Type.String(),
        electron: nullable(Type.String()),
        chrome: nullable(Type.String()),
        node: Type.String(),
        platform: Type.String(),
        arch: Type.String(),
        userData: Type.String(),
      }),
    ),
    report: call('What was tried and found, as text for a report: no secret in it.', object({}), Type.String()),
    preferences: call('What the person set.', object({}), Preferences),
    setPreferences: call(
      'Changes the given ones.',
      Type.Partial(Preferences, { additionalProperties: false }),
      Preferences,
    ),
    window: call('The window as it is now.', object({}), WindowState),
    openExternal: call(
      'Opens a web or mail address in the system’s own program. Only https, http and mailto.',
      object({ url: Type.String({ maxLength: 2048 }) }),
      Type.Null(),
    ),
    copyText: call('Puts text on the clipboard.', object({ text: Type.String({ maxLength: 4_194_304 }) }), Type.Null()),
    saveText: call(
      'Writes text to a file that the person chooses. Null when they chose none.',
      object({
        suggestedName: Type.String({ minLength: 1, maxLength: 200, pattern: '^[^/\\\\\\x00-\\x1f]+$' }),
        text: Type.String({ maxLength: 67_108_864 }),
      }),
      nullable(Type.String()),
    ),
    ready: call(
      'The page is drawn and listens: commands that waited for it (a deep link, a notification) come as the answer.',
      object({}),
      Type.Array(ShellCommand),
    ),
  },
  pushes: {
    preferences: push('A preference changed, here or in another window.', Preferences),
    window: push('The window changed.', WindowState),
    command: push('Something outside the page asks for it.', ShellCommand),
  },
};
