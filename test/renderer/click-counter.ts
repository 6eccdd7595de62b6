import type { Page } from 'playwright-core';

/** Counts the presses of the pointer that a person would make; typing and moving by keyboard cost none. */
export async function clickCounter(page: Page): Promise<{ start(): Promise<void>; count(): Promise<number> }> {
  await page.addInitScript(() => {
    const counts = window as unknown as { presses: number };
    counts.presses = Number(sessionStorage.getItem('test.presses') ?? 0);
    const add = (by: number): void => {
      counts.presses += by;
      sessionStorage.setItem('test.presses', String(counts.presses));
    };
    const isList = (event: Event): boolean => event.target instanceof HTMLSelectElement;
    addEventListener('pointerdown', (event) => isList(event) || add(1), { capture: true });
    // a list of the browser's own is chosen from outside the page: one press to open it, one to choose
    addEventListener('change', (event) => isList(event) && add(2), { capture: true });
  });
  return {
    start: () =>
      page.evaluate(() => {
        (window as unknown as { presses: number }).presses = 0;
        sessionStorage.setItem('test.presses', '0');
      }),
    count: () => page.evaluate(() => (window as unknown as { presses: number }).presses),
  };
}
