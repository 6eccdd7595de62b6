import { SegmentedControl } from '@mantine/core';

const RANGES = [
  { value: '15', label: '15 min' },
  { value: '60', label: '1 h' },
  { value: '360', label: '6 h' },
  { value: '1440', label: '24 h' },
];

/** Time range charts go. */
export function RangePicker({
  minutes,
  onChange,
  label,
}: {
  minutes: number;
  onChange: (minutes: number) => void;
  label: string;
}) {
  return (
    <SegmentedControl
      size="xs"
      aria-label={label}
      data={RANGES}
      value={String(minutes)}
      onChange={(value) => onChange(Number(value))}
    />
  );
}
