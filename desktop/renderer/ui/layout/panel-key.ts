import { useState } from 'react';

/**
 * Key of a panel that shows one object of many: what happened to one, such as a change that failed, is not shown with the
 * next. Closing the panel keeps it, so that it slides away as it was.
 */
export function usePanelKey(id: string | number | undefined): string | number | undefined {
  const [last, setLast] = useState(id);
  if (id !== undefined && id !== last) setLast(id);
  return id ?? last;
}
