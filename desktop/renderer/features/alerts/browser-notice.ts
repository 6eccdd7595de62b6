import { bridge } from '../../host/host.ts';

/** Can this page show notifications of its own? In the desktop app, the main process does. */
export const canNotify = (): boolean => bridge().desktop === undefined && 'Notification' in globalThis;

/** Shows a message of the desktop channel, if the person has allowed it. Several tabs show one notification. */
export function showInBrowser({ title, lines, url }: Record<string, unknown>): void {
  if (!canNotify() || Notification.permission !== 'granted' || typeof title !== 'string') return;
  const body = Array.isArray(lines) ? lines.slice(0, 3).join('\n') : '';
  const shown = new Notification(title, { body, tag: `${title}\n${body}` });
  shown.onclick = () => {
    window.focus();
    if (typeof url === 'string' && new URL(url, location.href).origin === location.origin) location.assign(url);
    shown.close();
  };
}
