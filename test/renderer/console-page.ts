import type { Locator, Page } from 'playwright-core';

/** What every page of the console has, by the names that people see. */
export class ConsolePage {
  readonly page: Page;
  constructor(page: Page) {
    this.page = page;
  }

  section(name: string): Locator {
    return this.page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name, exact: false });
  }
  heading(name: string): Locator {
    return this.page.getByRole('heading', { name, level: 1 });
  }
  grid(name: string): Locator {
    return this.page.getByRole('grid', { name });
  }
  row(text: string): Locator {
    return this.page.locator('[role="row"][data-index]').filter({ hasText: text });
  }
  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }
  field(label: string | RegExp): Locator {
    return this.page.getByLabel(label);
  }
  dialog(name?: string | RegExp): Locator {
    return this.page.getByRole('dialog', name === undefined ? {} : { name });
  }
  alert(): Locator {
    return this.page.getByRole('alert');
  }
  statusBar(): Locator {
    return this.page.getByRole('contentinfo');
  }
}
