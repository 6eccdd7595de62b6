import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { ConsolePage } from './console-page.ts';

test('callbacks: what was sent, what was given up, and sending it again', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  let status = 410;
  const receiver = http.createServer((_request, response) => response.writeHead(status).end());
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  t.after(() => receiver.close());
  const address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  await daemon.api.patch('/apps/live', { callbackUrl: address });
  const page = await openConsole(t, await browser(t), daemon.url, {
    token: daemon.token,
    path: '/apps/live/callbacks',
  });
  const ui = new ConsolePage(page);
  await page.getByText(address).waitFor();
  await ui.button('Send a test').click();
  await ui.row('test').getByText('given up').waitFor();
  await assertAccessible(page, 'a callback that was given up');
  status = 200;
  await ui.row('test').click();
  const panel = ui.dialog('test');
  await panel.getByRole('region', { name: 'message' }).waitFor();
  await assertAccessible(page, 'a delivery');
  await panel.getByRole('button', { name: 'Send again' }).click();
  await panel.getByText('delivered').first().waitFor();
  await page.keyboard.press('Escape');
  await ui.row('test').getByText('delivered').waitFor();
});
