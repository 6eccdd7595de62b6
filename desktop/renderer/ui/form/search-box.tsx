import { CloseButton, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useRef } from 'react';
import { usePhone } from '../layout/device.ts';

/** The filter of a list. `/` jumps to it from anywhere on the page, Esc empties it. */
export function SearchBox({
  value,
  onChange,
  label,
  width = 240,
}: {
  value: string;
  onChange: (value: string) => void;
  label: string;
  /** The least; it grows where there is room. */
  width?: number;
}) {
  const input = useRef<HTMLInputElement>(null);
  const isPhone = usePhone();
  return (
    <TextInput
      ref={input}
      data-search
      aria-label={label}
      placeholder={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && value !== '') {
          event.stopPropagation();
          onChange('');
        }
      }}
      leftSection={<IconSearch size={15} aria-hidden />}
      rightSection={
        value === '' ? null : (
          <CloseButton
            size="xs"
            aria-label="Clear the text"
            onClick={() => {
              onChange('');
              input.current?.focus();
            }}
          />
        )
      }
      style={isPhone ? { flex: '1 1 100%' } : { flex: `1 1 ${width}px`, maxWidth: Math.max(width, 320) }}
      spellCheck={false}
    />
  );
}
