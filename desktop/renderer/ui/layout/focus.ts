/** Gives the focus to the row of a table that Tab would reach, if nothing else has it. */
export function focusCurrentRow(table: Element | null | undefined): void {
  if (document.activeElement === document.body)
    table?.querySelector<HTMLElement>('[role="row"][tabindex="0"]')?.focus({ preventScroll: true });
}
