import type { DesktopBridge } from '#shared/ipc/index.ts';
import type { Bridge } from './bridge.ts';

declare global {
  interface Window {
    /** Put there by the desktop's preload script, before the page runs. */
    streamhub?: DesktopBridge;
  }
}

let current: Bridge | undefined;

/** The host that the renderer runs in; set once, before the first render. */
export function setBridge(bridge: Bridge): void {
  current = bridge;
}

export function bridge(): Bridge {
  if (current === undefined) throw new Error('no bridge');
  return current;
}
