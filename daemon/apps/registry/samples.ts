import { fillTemplate } from '#daemon/platform/files/template.ts';

const ASSETS = 'apps/registry/assets';

/**
 * Small working pages for a new app: publish from the camera, play a room, and a player to embed. The daemon serves them
 * at `/api/v1/samples/<app>/<file>`, with LiveKit's browser client beside them. The address and a join token come from the
 * page's own URL or from the form.
 */
export function samplePages(app: string): Record<string, string> {
  const values = {
    app,
    style: fillTemplate(`${ASSETS}/sample.css`, {}),
    script: fillTemplate(`${ASSETS}/sample.js.tmpl`, {}),
  };
  const page = (name: string): [string, string] => [name, fillTemplate(`${ASSETS}/${name}.tmpl`, values)];
  return Object.fromEntries([page('publish.html'), page('play.html'), page('embed.html')]);
}
