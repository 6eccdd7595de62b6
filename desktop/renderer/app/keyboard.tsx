import { useRouter } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useMaybeDaemon } from '../daemon/daemon-context.tsx';
import { useGo } from '../daemon/links.tsx';
import { openDialog } from '../ui/feedback/dialog.tsx';
import { openPalette, usePalette } from '../ui/palette/palette-store.ts';
import { MOD } from '../ui/words/keys.ts';
import { sections } from './features.ts';
import classes from './keyboard.module.css';

export const showHelp = (): void => openDialog({ title: 'Keyboard shortcuts', size: 640, content: () => <Help /> });

/**
 * Was something open when the key was pressed? Asked before anything else hears the key: a dialog that Esc closes is gone
 * from the page by the time that our own listener runs.
 */
let wasOverlaid = false;
window.addEventListener(
  'keydown',
  () => {
    wasOverlaid = document.querySelector('[role="dialog"], [role="menu"], [role="listbox"]') !== null;
  },
  { capture: true },
);

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Keys that work on every page. */
export function KeyboardShortcuts() {
  const go = useGo();
  const router = useRouter();
  const hasDaemon = useMaybeDaemon() !== undefined;
  const waitsForSecond = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const { key } = event;
      if ((event.metaKey || event.ctrlKey) && !event.altKey && key.toLowerCase() === 'k') {
        event.preventDefault();
        openPalette();
        return;
      }
      if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
      if (usePalette.getState().isOpen || wasOverlaid) return;
      if (Date.now() - waitsForSecond.current < 1200) {
        waitsForSecond.current = 0;
        const section = sections.find((one) => one.key === key);
        if (section && hasDaemon) {
          event.preventDefault();
          go(section.path);
        }
      } else if (key === 'g') waitsForSecond.current = Date.now();
      else if (key === '?') showHelp();
      else if (key === '/') {
        const search = document.querySelector<HTMLElement>('#page [data-search]');
        if (search) {
          event.preventDefault();
          search.focus();
        }
      } else if (key === 'Escape' && router.history.canGoBack()) router.history.back();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [go, router, hasDaemon]);
  return null;
}

function Help() {
  return (
    <div className={classes.columns}>
      <dl className={classes.keys}>
        <Key keys={`${MOD} K`}>Search or run a command</Key>
        <Key keys="/">Search the page</Key>
        <Key keys="?">This list</Key>
        <Key keys="Esc">Close, or back</Key>
        <Key keys="↑ ↓ j k">Move in a table</Key>
        <Key keys="Enter">Open the row</Key>
        <Key keys={`${MOD} S`}>Review a changed config</Key>
        <Key keys={`${MOD} Enter`}>Save what is reviewed</Key>
      </dl>
      <dl className={classes.keys}>
        {sections.map((section) => (
          <Key key={section.id} keys={`g ${section.key}`}>
            {section.label}
          </Key>
        ))}
      </dl>
    </div>
  );
}

function Key({ keys, children }: { keys: string; children: string }) {
  return (
    <div>
      <dt>
        {keys.split(' ').map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{children}</dd>
    </div>
  );
}
