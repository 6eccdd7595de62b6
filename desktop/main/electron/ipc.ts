import { BrowserWindow, type IpcMainInvokeEvent, ipcMain } from 'electron';
import type { Emit } from '#shared/ipc/index.ts';
import { failure } from '#shared/ipc/outcome.ts';
import type { Dispatch } from '../ipc/dispatcher.ts';
import { isOwnPage } from '../shell/security.ts';
import { CALL, PUSH } from './channels.ts';

/** Answers the calls of the app's own pages, of their top frame only. */
export function answerCalls(dispatch: Dispatch, development: string | undefined): void {
  ipcMain.handle(CALL, async (event, channel: unknown, args: unknown) => {
    if (!isOwn(event, development)) return { ok: false, error: failure('FORBIDDEN_SENDER').toJSON() };
    return await dispatch(String(channel), args);
  });
}

/** Tells every window. */
export const tellWindows: Emit = (channel, payload) => {
  for (const window of BrowserWindow.getAllWindows())
    if (!window.webContents.isDestroyed()) window.webContents.send(PUSH, channel, payload);
};

function isOwn({ senderFrame }: IpcMainInvokeEvent, development: string | undefined): boolean {
  return senderFrame !== null && senderFrame.parent === null && isOwnPage(senderFrame.url, development);
}
