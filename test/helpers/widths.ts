/** What is wrong with the layout of a page, measured inside it. Runs in the browser: nothing from here is in its reach. */
export function layoutFaults(): string[] {
  const faults = new Set<string>();
  const isTouch = matchMedia('(pointer: coarse)').matches;
  const least = isTouch ? 44 : 24;
  const width = document.documentElement.clientWidth;
  const nameOf = (element: Element): string => {
    const text = (element.getAttribute('aria-label') ?? element.textContent ?? '').trim().replace(/\s+/g, ' ');
    const styled = typeof element.className === 'string' ? element.className.split(' ')[0] : '';
    const around = element.parentElement?.closest('[class]');
    return `<${element.tagName.toLowerCase()} ${styled}> in ${around?.className.toString().split(' ')[0]} “${text.slice(0, 60)}”`;
  };
  /** What matches, and all below it: one search is quicker than one up from each element. */
  const within = (selector: string): Set<Element> =>
    new Set(document.querySelectorAll(`:is(${selector}), :is(${selector}) *`));
  const quiet = within('.visually-hidden, [class*="_skip_"], [data-portal]:empty');
  const isHidden = (element: Element): boolean =>
    quiet.has(element) || !element.checkVisibility({ visibilityProperty: true });
  /** The editor and the terminal lay out their own text. */
  const foreign = within('.cm-editor, .cm-mergeView, .xterm, .uplot');
  const isForeign = (element: Element): boolean => foreign.has(element);
  const ownTime = /\b\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b|\b\d+ (s|min|h|d) ago\b/;
  const ownText = (element: Element): string =>
    [...element.childNodes].map((node) => (node.nodeType === 3 ? node.textContent : '')).join(' ');
  const hasOwnText = (element: Element): boolean => ownText(element).trim() !== '';

  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth + 1) faults.add(`the document is ${root.scrollWidth} px wide in ${width}`);
  for (const element of document.body.querySelectorAll<HTMLElement>('*')) {
    if (element instanceof SVGElement || isForeign(element) || isHidden(element)) continue;
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    const style = getComputedStyle(element);
    const isWider = element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0;
    const scrolls = /auto|scroll/.test(style.overflowX);
    if (isWider && scrolls && !/INPUT|TEXTAREA|SELECT/.test(element.tagName)) {
      const hasBar = !isTouch && style.scrollbarWidth !== 'none';
      if (element.querySelector('[role="grid"]')) faults.add(`a table wider than its place: ${nameOf(element)}`);
      else if (element.id === 'page')
        faults.add(`the page is ${element.scrollWidth} px wide in ${element.clientWidth}`);
      else if (!hasBar && element.dataset['more'] === undefined)
        faults.add(`scrolls sideways without a hint: ${nameOf(element)}`);
    }
    if (isWider && /hidden|clip/.test(style.overflowX) && element.textContent?.trim() && element.tagName !== 'INPUT') {
      // a text that a child cuts is reported for that child
      // an ellipsis is for letters in a line: boxes in it are cut without one
      const cutsItself =
        hasOwnText(element) ||
        (style.textOverflow === 'ellipsis' &&
          [...element.children].every((child) => getComputedStyle(child).display === 'inline'));
      const overhangs = [...element.children].some(
        (child) =>
          !isHidden(child) && child.getBoundingClientRect().right > box.right + 1 && child.textContent?.trim() !== '',
      );
      if (cutsItself && style.textOverflow !== 'ellipsis') faults.add(`cut without an ellipsis: ${nameOf(element)}`);
      else if (cutsItself && !isTouch) {
        element.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
        if (element.closest('[title]') === null) faults.add(`cut, and nothing tells the rest: ${nameOf(element)}`);
      } else if (!cutsItself && overhangs) faults.add(`cut off: ${nameOf(element)}`);
    }
    if ((box.right > width + 1 || box.left < -1) && hasOwnText(element)) {
      let around = element.parentElement;
      while (around && !/auto|scroll|hidden|clip/.test(getComputedStyle(around).overflowX))
        around = around.parentElement;
      if (around === null || around === document.body) faults.add(`outside the window: ${nameOf(element)}`);
    }
    const told = 'time, input, textarea, option, code, pre, [title*="Time"], [title*="UTC"], [title*="GMT"]';
    if (ownTime.test(ownText(element)) && element.closest(told) === null)
      faults.add(`a time without its zone: ${nameOf(element)}`);
    if (element.tagName === 'TIME' && !/Time|UTC|GMT/.test(element.title))
      faults.add(`a time without its zone: ${nameOf(element)}`);
    if (element.tagName === 'KBD' && isTouch) faults.add(`a key's name without a keyboard: ${nameOf(element)}`);
  }

  const targets =
    'a[href], button, input:not([type="hidden"]), select, textarea, summary, [role="button"], [role="menuitem"], [role="tab"], [role="switch"], [role="option"]';
  for (const element of document.body.querySelectorAll<HTMLElement>(targets)) {
    if (isForeign(element) || element.closest('[aria-hidden="true"], [inert]')) continue;
    const labels = [...((element as HTMLInputElement).labels ?? [])];
    if (isHidden(element) && labels.length === 0) continue;
    const style = getComputedStyle(element);
    const isInSentence =
      style.display === 'inline' &&
      element.tagName === 'A' &&
      [...(element.parentElement?.childNodes ?? [])].some(
        (node) => node !== element && node.nodeType === 3 && node.textContent?.trim(),
      );
    if (isInSentence) continue;
    const field = element.closest('[class*="Input-wrapper"]') ?? element;
    const boxes = [field, ...(/checkbox|radio/.test(element.getAttribute('type') ?? '') ? labels : [])]
      .map((one) => one.getBoundingClientRect())
      .filter((one) => one.width > 0 && one.height > 0);
    if (boxes.length === 0) continue;
    const middle = element.getBoundingClientRect();
    for (let around = element.parentElement; around !== null; around = around.parentElement) {
      const clip = getComputedStyle(around);
      if (/auto|scroll/.test(clip.overflowX)) break;
      const { left, right } = around.getBoundingClientRect();
      const at = (middle.left + middle.right) / 2;
      if (/hidden|clip/.test(clip.overflowX) && (at < left || at > right))
        faults.add(`out of reach: ${nameOf(element)}`);
    }
    const high = Math.max(...boxes.map((one) => one.bottom)) - Math.min(...boxes.map((one) => one.top));
    const wide = Math.max(...boxes.map((one) => one.right)) - Math.min(...boxes.map((one) => one.left));
    if (high < least - 0.5 || wide < least - 0.5)
      faults.add(`a target of ${Math.round(wide)} × ${Math.round(high)} px: ${nameOf(element)}`);
  }
  for (const label of (window as { cutLabels?: Set<string> }).cutLabels ?? [])
    faults.add(`a chart cuts its label: ${label}`);
  return [...faults];
}

/** From then on notes in `cutLabels` what charts write beyond their canvas. Runs in the browser. */
export function watchCharts(): void {
  const cut = new Set<string>();
  Object.assign(window, { cutLabels: cut });
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y, max) {
    fillText.call(this, text, x, y, max);
    // axe draws letters off the page
    if (!this.canvas.isConnected) return;
    const { width } = this.measureText(text);
    const share = { left: 0, start: 0, center: 0.5, right: 1, end: 1 }[this.textAlign];
    const left = this.getTransform().transformPoint({ x: x - width * share, y }).x;
    if (left < -1 || left + width > this.canvas.width + 1)
      cut.add(`${text} at ${Math.round(left)} of ${this.canvas.width}`);
  };
}
