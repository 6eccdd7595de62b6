import { create } from 'zustand';

/** Rows that have just changed, by `<table>:<row>`; each is marked for a moment. */
export const useMarks = create<Record<string, number>>(() => ({}));

const SHOWN_FOR = 2400;

export function markChanged(table: string, row: string | number): void {
  const key = `${table}:${row}`;
  const at = Date.now();
  useMarks.setState({ [key]: at });
  setTimeout(() => {
    if (useMarks.getState()[key] !== at) return;
    const { [key]: _gone, ...rest } = useMarks.getState();
    useMarks.setState(rest, true);
  }, SHOWN_FOR);
}
