/**
 * Draws the app's icons from one drawing with a Chromium of this machine: `node build/icons/draw.ts`. The results are
 * kept in the repository; electron-builder makes the formats of each system from icon.png.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright-core';

const HERE = import.meta.dirname;
const GREY = '#6b7280';
const BLUE = '#2459d3';

const drawing = (fill: string, badge = '', radius = 7): string => `
  <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
    <rect width="32" height="32" rx="${radius}" fill="${fill}"/>
    <g fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round">
      <path d="M7 11.5c4-3 14-3 18 0"/><path d="M10 17c3-2 9-2 12 0"/>
    </g>
    <circle cx="16" cy="22.5" r="2.4" fill="#fff"/>
    ${badge}
  </svg>`;

// told apart by shape, not by colour alone
const TRAY: Record<string, string> = {
  none: drawing(GREY),
  ok: drawing(BLUE),
  attention: drawing(BLUE, '<path d="M22 13 L32 31 L12 31 Z" fill="#f59e0b" stroke="#fff" stroke-width="1.4"/>'),
  trouble: drawing(
    BLUE,
    '<circle cx="23" cy="23" r="8.6" fill="#dc2626" stroke="#fff" stroke-width="1.4"/><path d="M19.6 19.6l6.8 6.8m0-6.8l-6.8 6.8" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/>',
  ),
};

const files: [name: string, size: number, svg: string][] = [
  ['icon.png', 1024, drawing(BLUE)],
  ...[16, 32, 48, 64, 128, 256, 512].map((size): [string, number, string] => [
    `${size}x${size}.png`,
    size,
    drawing(BLUE),
  ]),
  ...Object.entries(TRAY).flatMap(([level, svg]): [string, number, string][] => [
    [`tray-${level}.png`, 16, svg],
    [`tray-${level}@2x.png`, 32, svg],
  ]),
];

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
const page = await browser.newPage();
for (const [name, size, svg] of files) {
  await page.setViewportSize({ width: size, height: size });
  const fitted = svg.replace('<svg ', `<svg width="${size}" height="${size}" style="display:block" `);
  await page.setContent(`<body style="margin:0;background:transparent">${fitted}</body>`);
  await writeFile(path.join(HERE, name), await page.screenshot({ omitBackground: true }));
}
await browser.close();
