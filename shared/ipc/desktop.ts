import { type Static, Type } from 'typebox';
import { nullable, object, oneOf } from '../schema/common.ts';
import { call, push } from './channel.ts';
import { ConnectionId } from './connections.ts';

const Theme = oneOf(['system', 'light', 'dark'] as const);

/** What a person set for this app; kept over restarts. */
export const Preferences = object({
  theme: Theme,
  notifyIncidents: Type.Boolean(),
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
      'Versions and the machine, for the about page and reports.',
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
    report: call('What was tried and found, as text for a report, without secrets.', object({}), Type.String()),
    preferences: call('The preferences.', object({}), Preferences),
    setPreferences: call(
      'Changes the given preferences.',
      Type.Partial(Preferences, { additionalProperties: false }),
      Preferences,
    ),
    window: call('The current state of the window.', object({}), WindowState),
    openExternal: call(
      'Opens an https, http or mailto address in the system’s own program.',
      object({ url: Type.String({ maxLength: 2048 }) }),
      Type.Null(),
    ),
    copyText: call(
      'Copies text to the clipboard.',
      object({ text: Type.String({ maxLength: 4_194_304 }) }),
      Type.Null(),
    ),
    saveText: call(
      'Saves text to a file that the user chooses. Null if they cancel.',
      object({
        suggestedName: Type.String({ minLength: 1, maxLength: 200, pattern: '^[^/\\\\\\x00-\\x1f]+$' }),
        text: Type.String({ maxLength: 67_108_864 }),
      }),
      nullable(Type.String()),
    ),
    ready: call(
      'The page is ready. Returns the commands that waited for it (a deep link, a notification).',
      object({}),
      Type.Array(ShellCommand),
    ),
  },
  pushes: {
    preferences: push('A preference changed, here or in another window.', Preferences),
    window: push('The window changed.', WindowState),
    command: push('A command from outside the page.', ShellCommand),
  },
};
