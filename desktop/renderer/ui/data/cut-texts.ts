/** Gives every text that an ellipsis cuts its whole text on hover, wherever it is. */
export function tellCutTexts(): void {
  document.addEventListener('pointerover', ({ target }) => {
    for (
      let element = target instanceof HTMLElement ? target : null;
      element !== null && element.title === '';
      element = element.parentElement
    ) {
      if (element.scrollWidth <= element.clientWidth || getComputedStyle(element).textOverflow !== 'ellipsis') continue;
      element.title = element.textContent;
      return;
    }
  });
}
