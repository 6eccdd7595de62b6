import { readFile } from 'node:fs/promises';
import { protocol } from 'electron';
import { assetFor } from '../shell/app-protocol.ts';
import { APP_SCHEME } from '../shell/security.ts';

/** Before the app is ready: `app://` is a place like https, with its own origin and storage. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
}

/** Serves the built renderer. */
export function serveRenderer(folder: string): void {
  protocol.handle(APP_SCHEME, async ({ url, method }) => {
    const { status, headers, file } = await assetFor(folder, url, method);
    return new Response(file === null ? null : new Uint8Array(await readFile(file)), { status, headers });
  });
}
