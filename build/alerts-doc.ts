import { INCIDENTS_KEPT, INCIDENTS_KEPT_DAYS } from '#shared/limits.ts';
import { CONDITION_IDS, conditionOf } from '#shared/rules/conditions.ts';

const timeOf = (seconds: number): string => {
  if (seconds === 0) return 'immediately';
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
};

const rows = (): string =>
  CONDITION_IDS.map((id) => {
    const { title, reads, threshold, forSeconds, severity } = conditionOf(id);
    const limit =
      threshold === undefined
        ? ''
        : `${threshold.is === 'below' ? 'below' : 'from'} ${threshold.default} ${threshold.unit}`;
    return `| \`${id}\` | ${title} | ${reads} | ${limit} | ${timeOf(forSeconds)} | ${severity} |`;
  }).join('\n');

/** docs/alerts.md: the guide, with the table of conditions as the daemon declares them. */
export const alertsGuide = (): string => `# Alerts

The daemon watches itself, LiveKit, nodes and apps. When something is wrong, it opens an **incident** and tells you through your **channels**. The
incident closes by itself when all is well again. The status bar, the overview, the tray and the page *Alerts* all show the same incidents.

## Rules

Each condition has a built-in rule, which is on from the start. You can change its limit, how long it must last, its severity, and turn it off. *Restore
defaults* undoes your changes. Add a rule when you want a second limit, or other channels for some apps.

| field | meaning |
| --- | --- |
| \`threshold\` | Limit of the value that the condition compares, in its unit. |
| \`forSeconds\` | How long it must last before an incident opens. |
| \`severity\` | The highest severity: \`warning\` or \`critical\`. With a limit *below*, an incident is a warning until two thirds of it are used up. |
| \`apps\`, \`nodes\` | Only these apps, or these nodes by name. \`null\` means all. |
| \`quietHours\` | No messages between two times of day in a time zone. You get messages afterwards: of problems that still last, and of the end of those you were told of. |
| \`channels\` | Ids of the channels that get messages. \`null\` means all. |

| condition | what it means | the daemon knows it from | limit | after | severity |
| --- | --- | --- | --- | --- | --- |
${rows()}

Not watched: packet loss and jitter of single participants, and the disk of a storage bucket. The daemon has no figures of them.

## Incidents

- An incident opens once for each rule and subject, such as a node or an app. It survives restarts of the daemon.
- If it comes back within ten minutes, the same incident opens again. It then closes only after five minutes without a problem.
- *Acknowledge* says that someone is working on it. It stays open, but no longer counts as something that needs you.
- *Silence* sends no messages about the same subject for a time, also if it comes back.
- While LiveKit is away, incidents that follow from it are listed with it and not told separately.
- Closed incidents are kept for ${INCIDENTS_KEPT_DAYS} days, and at most the newest ${INCIDENTS_KEPT}.

You see the incidents of your team's apps. Problems of the installation are shown to global tokens and superadmins. Teams read only that LiveKit is away or that
the daemon isn't ready. Rules and channels need global scope.

## Messages

A channel that announced an incident also announces its end, even if the rule has other channels now. If you delete a rule, turn it off or limit it to other apps or
nodes, its incidents close. The message says that they are no longer watched.

Incidents of one rule that open within a few seconds share a message: 200 nodes that lose power are one message. Each channel has a limit of messages an hour. What
comes beyond is counted, and told in one summary as soon as the hour allows. PagerDuty gets no summary, which nothing would resolve: it then gets a \`trigger\` for
each that still lasts.

A message that can't be delivered is tried again, with growing waits, for a day. A channel that fails opens an incident itself and is shown in the console.

## Channels

| kind | you enter | what is sent |
| --- | --- | --- |
| \`email\` | addresses | A plain text mail through your mail server (\`STREAMHUB_SMTP_HOST\`). |
| \`webhook\` | URL, signing secret | JSON with \`event\`, \`title\`, \`lines\`, \`incidents\` and \`url\`; signed like [callbacks](livekit.md) in \`X-StreamHub-Signature\`. |
| \`slack\` | URL of an incoming webhook | A text with an attachment. |
| \`discord\` | URL of a webhook | An embed that mentions nobody. |
| \`teams\` | URL of a workflow | An Adaptive Card. |
| \`ntfy\` | URL with the topic, access token | Title, message, priority and a link. |
| \`pagerduty\` | routing key | Events v2: \`trigger\`, \`acknowledge\` and \`resolve\` with the same \`dedup_key\`. |
| \`desktop\` | nothing | A notification on desktops that are connected, and in open consoles if the browser allows it. |

A channel that you delete is taken out of the rules that name it. While a rule names no other channel, the deletion is refused and names the rule.

*Send test* sends a real message and shows the receiver's answer; at PagerDuty it is then resolved. URLs and secrets are kept in the secret store; no answer, log line or event contains them. The daemon
never follows a redirect, and never contacts an address that \`STREAMHUB_DENY_PRIVATE_ENDPOINTS\` forbids.

## Examples

In the commands, \`BASE\` is your daemon's API and \`STREAMHUB_TOKEN\` a token: [Quick start](quick-start.md#2-look-around) sets both.

Tell a team on Slack about critical incidents only:

\`\`\`sh
curl -sX POST "$BASE/alerts/channels" -H "Authorization: Bearer $STREAMHUB_TOKEN" -H 'Content-Type: application/json' \\
  -d '{"kind":"slack","name":"Ops","minSeverity":"critical","url":"https://hooks.slack.com/services/T0/B0/x"}'
\`\`\`

Warn earlier about the disk:

\`\`\`sh
curl -sX PATCH "$BASE/alerts/disk-low" -H "Authorization: Bearer $STREAMHUB_TOKEN" -H 'Content-Type: application/json' \\
  -d '{"threshold":20}'
\`\`\`

List what is open:

\`\`\`sh
curl -s "$BASE/incidents?open=true" -H "Authorization: Bearer $STREAMHUB_TOKEN"
\`\`\`
`;
