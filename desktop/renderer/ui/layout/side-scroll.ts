import { useLayoutEffect, useRef } from 'react';

/**
 * For what scrolls sideways: tells by `data-more` on which sides there is more (`base.css` fades them out), and brings the
 * current part into sight.
 */
export function useSideScroll<E extends HTMLElement>(current?: string) {
  const element = useRef<E>(null);
  useLayoutEffect(() => {
    const box = element.current;
    if (box === null) return;
    const tell = (): void => {
      const end = box.scrollWidth - box.clientWidth;
      const sides = [...(box.scrollLeft > 1 ? ['start'] : []), ...(box.scrollLeft < end - 1 ? ['end'] : [])];
      if (sides.length > 0) box.dataset['more'] = sides.join(' ');
      else delete box.dataset['more'];
    };
    tell();
    let width = box.clientWidth;
    const observer = new ResizeObserver(() => {
      if (box.clientWidth !== width) reveal(box);
      width = box.clientWidth;
      tell();
    });
    observer.observe(box);
    for (const child of box.children) observer.observe(child);
    box.addEventListener('scroll', tell, { passive: true });
    return () => {
      observer.disconnect();
      box.removeEventListener('scroll', tell);
    };
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another current part has to be brought into sight
  useLayoutEffect(() => {
    if (element.current) reveal(element.current);
  }, [current]);
  return element;
}

function reveal(box: HTMLElement): void {
  const part = box.querySelector<HTMLElement>('[aria-current]');
  if (part) box.scrollLeft = part.offsetLeft - box.offsetLeft + part.offsetWidth / 2 - box.clientWidth / 2;
}
