import { useEffect, useState } from 'react';

/** True once the component has been on the screen for a moment: rows that fly by while scrolling ask for nothing. */
export function useSettled(after = 180): boolean {
  const [isSettled, setSettled] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(true), after);
    return () => clearTimeout(timer);
  }, [after]);
  return isSettled;
}
