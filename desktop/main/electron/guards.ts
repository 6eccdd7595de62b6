import { app, session, shell } from 'electron';
import { allowsPermission, externalAddress, isOwnPage } from '../shell/security.ts';

/** Denies by default: navigation, new windows, webviews, permissions, devices, downloads. */
export function guardEverything(development: string | undefined): void {
  app.on('web-contents-created', (_event, contents) => {
    const stay = (event: { preventDefault(): void; url: string }): void => {
      if (!isOwnPage(event.url, development)) event.preventDefault();
    };
    contents.on('will-navigate', stay);
    contents.on('will-frame-navigate', stay);
    contents.on('will-redirect', stay);
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url }) => {
      const address = externalAddress(url);
      if (address !== undefined) void shell.openExternal(address);
      return { action: 'deny' };
    });
  });
  const own = session.defaultSession;
  own.setPermissionRequestHandler((_contents, permission, answer, details) => {
    answer(allowsPermission(permission, details.requestingUrl, development));
  });
  own.setPermissionCheckHandler((_contents, permission, origin) =>
    allowsPermission(permission, `${origin}/`, development),
  );
  own.setDevicePermissionHandler(() => false);
  own.on('will-download', (event) => event.preventDefault());
}
