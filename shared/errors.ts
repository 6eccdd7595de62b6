import { MAX_STATS_BYTES } from './limits.ts';

/**
 * The error table: every code that an answer of the API can carry, declared once.
 * `docs/errors.md` and the OpenAPI document derive from it.
 *
 * `message` may hold `{name}` places, filled from the parameters given when the error is thrown.
 */
export interface ErrorDefinition {
  /** HTTP status of the answer. */
  status: number;
  /** What happened and why, in one sentence; `{param}` places are filled in. */
  message: string;
  /** What the caller can do about it. */
  hint: string;
  /** True when the same request may succeed later without a change. */
  retryable?: boolean;
  /** The message itself says what was not done, so nothing is put before it. */
  isWholeStory?: boolean;
}

const define = <T extends Record<string, ErrorDefinition>>(table: T): Readonly<T> => table;

export const ERRORS = define({
  // requests
  VALIDATION_FAILED: { status: 400, message: '{reason}', hint: 'Correct the fields named in details.' },
  BAD_JSON: {
    status: 400,
    message: 'The body is not valid JSON: {reason}',
    hint: 'Correct the JSON, and send it with Content-Type: application/json.',
  },
  BAD_REQUEST: {
    status: 400,
    message: '{reason}',
    hint: 'Correct what the message names, then send the request again.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    message: 'This Idempotency-Key was used for another request.',
    hint: 'Use a new key for each request, for example a UUID. Send the same key only to repeat the same request.',
  },
  IDEMPOTENT_REQUEST_RUNNING: {
    status: 409,
    message: 'The first request with this Idempotency-Key is still running.',
    retryable: true,
    hint: 'Send the request again after the time in Retry-After, with the same key.',
  },
  IDEMPOTENT_REQUEST_UNKNOWN: {
    status: 409,
    message:
      'The daemon stopped during the first request with this Idempotency-Key ({request}), so its outcome is not known.',
    hint: 'Look whether it was done. If it was not, send it again with a new key.',
  },
  IDEMPOTENCY_KEYS_USED_UP: {
    status: 429,
    message: 'There are already {limit} requests with an Idempotency-Key in {hours} hours.',
    retryable: true,
    hint: 'Wait until older keys end, or send the request without a key.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    message: 'The body is larger than the limit of {limit} bytes.',
    hint: 'Send less at a time.',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    message: 'The request was not complete within its time.',
    retryable: true,
    hint: 'Send the request again. If it happens again, check the connection between you and the daemon.',
  },
  EXPECTATION_FAILED: {
    status: 417,
    message: 'Only the expectation 100-continue is supported.',
    hint: 'Remove the Expect header.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    message: 'The headers of the request are larger than 16 KiB.',
    hint: 'Remove cookies and other headers that this server does not need.',
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    message: 'No route answers {method} {path}.',
    hint: 'Check method and path against the API reference at /api/v1/docs.',
  },
  PRECONDITION_FAILED: {
    status: 412,
    message: '{what} was changed by someone else since it was read.',
    hint: 'Read it again, merge, and send the new ETag in If-Match.',
  },
  // settings
  SETTING_LOCKED: {
    status: 409,
    message: '{name} is set {place}, which takes precedence over a stored value.',
    hint: 'Change it there, or remove it there and restart the daemon to set it over the API.',
  },
  SETTINGS_TEST_FAILED: {
    status: 422,
    message: 'The settings were not stored, because the test of {connection} failed: {reason}',
    hint: 'Correct the values, or send saveUntested to store them anyway.',
  },
  SETTINGS_SHUT_YOU_OUT: {
    status: 409,
    message: 'With these settings, your own address {ip} would be rejected.',
    hint: 'Add an allow rule for your address first.',
  },
  SETTINGS_NOT_UNDOABLE: {
    status: 409,
    message: 'Change {revision} of the settings can’t be undone, because each of them was changed again.',
    hint: 'Read the settings again.',
  },
  RATE_LIMITED: {
    status: 429,
    message: 'Too many attempts; try again in {seconds} s.',
    retryable: true,
    hint: 'Wait, then try again. Retry-After has the seconds.',
  },
  SHARE_USED_UP: {
    status: 429,
    message: 'No more than {limit} {what} are possible at the same time for {holder}.',
    hint: 'Close those that you no longer need, or try again after Retry-After.',
    retryable: true,
  },
  INTERNAL: {
    status: 500,
    message: 'Something went wrong inside the daemon.',
    hint: 'Find the cause in the log under this request id.',
  },
  OVERLOADED: {
    status: 503,
    message: 'The daemon is too busy for this request right now.',
    retryable: true,
    hint: 'Try again after a moment.',
  },
  SHUTTING_DOWN: {
    status: 503,
    message: 'The daemon is stopping.',
    retryable: true,
    hint: 'Try again when it has started again.',
  },
  DATABASE_DAMAGED: {
    status: 500,
    message: 'The database {file} is damaged, so this request cannot be answered.',
    hint: 'Stop the daemon and restore this file from a backup.',
  },
  DATABASE_BUSY: {
    status: 503,
    message: 'Another program has locked the database {file}, so nothing was changed.',
    hint: 'Try again in a moment. If it lasts, end the program that holds the lock, such as an open SQLite shell or a backup.',
    retryable: true,
  },
  DATABASE_READ_ONLY: {
    status: 503,
    message: 'The database {file} can only be read, because its disk takes no writes ({errno}). Nothing was changed.',
    hint: 'Free some space on that disk or mount it writable. If the daemon was started on it as it is, restart the daemon afterwards.',
    retryable: true,
  },
  // files and disks of the daemon's machine; daemon/platform/files/file-errors.ts says which errno leads to which
  STORAGE_FULL: {
    status: 507,
    message: 'The daemon’s disk is full, so nothing was changed ({file}, {errno}).',
    hint: 'Free some space on that disk or raise the quota, then try again.',
  },
  FILE_READ_ONLY: {
    status: 409,
    message: '{file} is on a read-only file system, so nothing was changed ({errno}).',
    hint: 'Mount it writable, or change the file where it comes from, for example in the volume or config map of your container.',
  },
  FILE_ACCESS_DENIED: {
    status: 409,
    message: 'The daemon runs as {user}, and this user has no access to {file} ({errno}).',
    hint: 'As root on the daemon’s machine, give the file to the daemon’s user with chown. Nothing was changed or deleted.',
  },
  FILE_PROTECTED: {
    status: 409,
    message: '{file} is protected against changes ({errno}).',
    hint: 'Remove the immutable or append-only attribute: lsattr shows it, chattr -i -a removes it. SELinux and AppArmor can also refuse it.',
  },
  FILE_IN_USE: {
    status: 409,
    message: 'The system or another program uses {file}, so it cannot be changed ({errno}).',
    hint: 'Mount the folder instead of the one file, or stop the program that uses it.',
  },
  FILE_PATH_UNUSABLE: {
    status: 409,
    message: '{file} cannot be used: {reason} ({errno}).',
    hint: 'Correct this on the daemon’s machine, then try again.',
  },
  FILE_REFUSED: {
    status: 503,
    message: 'The system refuses to work with {file} ({errno}).',
    hint: 'Find the cause in the log under this request id.',
  },
  DISK_FAILED: {
    status: 503,
    message: 'The disk or network share that holds {file} reports a fault ({errno}).',
    hint: 'Check the disk or the mount; the system log (dmesg) names the device. Then try again.',
    retryable: true,
  },
  TOO_MANY_OPEN_FILES: {
    status: 503,
    message: 'The daemon has reached its limit of open files ({errno}).',
    hint: 'Try again later. If it happens again, raise the limit: LimitNOFILE= in the systemd unit, or ulimit -n.',
    retryable: true,
  },
  // credentials and rights
  UNAUTHENTICATED: {
    status: 401,
    message: 'A valid credential is required.',
    hint: 'Send Authorization: Bearer <API token or session token>.',
  },
  FORBIDDEN: {
    status: 403,
    message: 'This needs the permission {permission}, which your credential does not have.',
    hint: 'Ask an owner of the team for a role with this permission.',
  },
  CROSS_SITE: {
    status: 403,
    message: 'A page of another site made this request, so the cookie of your session was not used.',
    hint: 'Use the web console at its own address. Programs send Authorization: Bearer instead of a cookie.',
  },
  BEARER_NEEDED: {
    status: 400,
    message: 'A cookie was sent in place of a Bearer credential.',
    hint: 'Send Authorization: Bearer <API token or session token>.',
  },
  TOKEN_LIMITED: {
    status: 403,
    message: 'This API token is limited, and what you asked for is beyond its limit.',
    hint: 'GET /auth/me lists its permissions. Create a token with the permission that this needs.',
  },
  APP_TOKEN_REFUSED: {
    status: 403,
    message: 'A token of one app can’t be used here.',
    hint: 'This is about the whole team or the machine. Sign in, or use a token with global scope.',
  },
  GLOBAL_SCOPE_REQUIRED: {
    status: 403,
    message: 'This needs a credential with global scope.',
    hint: 'Sign in as an administrator of the installation, or use a token with global scope.',
  },
  HUMAN_REQUIRED: {
    status: 403,
    message: 'This needs a user session, not an API token.',
    hint: 'Sign in as a person.',
  },
  APP_NOT_YOURS: {
    status: 403,
    message: 'Your credential gives no access to this app.',
    hint: 'Ask an administrator of the installation, or use a credential of the app’s team.',
  },
  NO_TENANT: {
    status: 403,
    message: 'You are not a member of any team, so you have no apps.',
    hint: 'Ask an owner of a team for an invitation.',
  },
  // apps
  APP_NOT_FOUND: {
    status: 404,
    message: 'No app is named {name}.',
    hint: 'Check the name. GET /apps lists the apps that you can see.',
  },
  APP_EXISTS: { status: 409, message: 'An app named {name} already exists.', hint: 'Choose another name.' },
  APP_SLUG_TAKEN: {
    status: 409,
    message: 'The name {name} would use the same credential names as the app {other}.',
    hint: 'Choose a name that differs in more than dashes.',
  },
  APP_DIRECTORY_EXISTS: {
    status: 409,
    message: 'The folder apps/{name} already exists, but no app has that name.',
    hint: 'Move the folder away, then create the app.',
  },
  ROOM_PREFIX_TAKEN: {
    status: 409,
    message: 'The room prefix {reason}.',
    hint: 'A room belongs to the app with the longest matching prefix. Prefixes of different teams must therefore not contain one another: concerts and concerts-main overlap, concerts and concerts2 do not. Choose a prefix that begins differently.',
  },
  PREFIX_NOT_HELD: {
    status: 404,
    message: 'The room prefix {prefix} is not held for any team.',
    hint: 'GET /room-prefixes/held lists those that are.',
  },
  SAMPLE_NOT_FOUND: {
    status: 404,
    message: 'The app {name} has no sample page {file}.',
    hint: 'Check the name of the file in the app’s folder.',
  },
  APP_DATABASE_UNUSABLE: {
    status: 500,
    message: 'The database of the app {name} {reason}.',
    hint: 'Restore the app’s app.db from a backup. Other apps are not affected.',
  },
  APP_BUSY: {
    status: 409,
    message: 'The app {name} is being deleted.',
    hint: 'Wait for the deletion. Its progress is in the jobs.',
  },
  APP_DELETE_CANCELLED: {
    status: 409,
    message: 'The deletion of {name} was cancelled.',
    hint: 'The app is there. Recordings whose objects were deleted before the cancellation are still listed; delete them too.',
  },
  QUOTA_EXCEEDED: {
    status: 429,
    message: 'The quota {metric} of {limit} is used up.',
    hint: 'Delete what you no longer need, or ask the operator for a higher limit.',
  },
  // config
  CONFIG_INVALID: {
    status: 400,
    message: 'The configuration is not valid: {reason}',
    hint: 'Nothing was written. Correct the problems listed in diagnostics.',
  },
  CONFIG_UNREADABLE: {
    status: 409,
    message: 'config.yaml cannot be edited as it is: {reason}',
    hint: 'Correct the text in the raw editor first, or restore a backup.',
  },
  CONFIG_MISSING: {
    status: 404,
    message: 'The app {name} has no config.yaml.',
    hint: 'Write one in the raw editor, or restore a backup.',
  },
  BACKUP_NOT_FOUND: {
    status: 404,
    message: 'The app {name} has no backup {ts}.',
    hint: 'List the backups again: the oldest are removed when there are too many.',
  },
  // backups of the data directory
  BACKUP_UNKNOWN: {
    status: 404,
    message: 'No backup has the id {id}.',
    hint: 'List the backups again: GET /backups.',
  },
  FOLDER_INVALID: {
    status: 400,
    message: 'The folder can’t be applied: {reason}',
    hint: 'Nothing was changed. Correct the places listed in details.',
  },
  PLAN_OUTDATED: {
    status: 409,
    message: 'The plan is outdated, because the folder or the installation changed since it was made.',
    hint: 'Nothing was changed. Make a new plan, review it, and apply it.',
  },
  APPLY_BUSY: {
    status: 409,
    message: 'Another apply is under way.',
    hint: 'Wait until it has ended, make a new plan, and apply it.',
    retryable: true,
  },
  APPLY_STOPPED: {
    status: 500,
    message: '{done} of {total} changes were made, then the change of the {kind} {name} failed: {reason}',
    hint: 'Apply the roll-back point to go back, or remove the cause and apply the folder again.',
    isWholeStory: true,
  },
  APPLY_CANCELLED: {
    status: 409,
    message: 'The apply was cancelled after {done} of {total} changes.',
    hint: 'Apply the roll-back point to go back, or apply the folder again.',
  },
  APPLIED_ANSWER_GONE: {
    status: 410,
    message: 'The apply {id} has nothing that you can read.',
    hint: 'New tokens and links are shown once, within 24 hours, to the one who applied. Revoke the tokens and create others.',
  },
  ROLLBACK_POINT_UNKNOWN: {
    status: 404,
    message: 'There is no roll-back point {id}.',
    hint: 'List them: GET /rollback-points. The newest 20 are kept.',
  },
  BACKUP_BUSY: {
    status: 409,
    message: 'Another job is making, reading or restoring a backup.',
    hint: 'Wait for that job (jobId), or cancel it.',
  },
  BACKUP_PASSPHRASE_MISSING: {
    status: 409,
    message: 'No passphrase for the backup is known.',
    hint: 'Send a passphrase with a new request, or store one: PATCH /backups/plan.',
  },
  BACKUP_PASSPHRASE_WRONG: {
    status: 422,
    message: 'The passphrase doesn’t open this backup.',
    hint: 'Use the passphrase that the backup was made with. If it is correct, the beginning of the file was changed.',
  },
  BACKUP_DAMAGED: {
    status: 422,
    message: 'The backup is damaged: {reason}.',
    hint: 'Use another backup, or another copy of this one.',
  },
  BACKUP_NEWER: {
    status: 422,
    message: 'The backup was made by StreamHub {version}, which is newer than this StreamHub {own}.',
    hint: 'Upgrade StreamHub to {version} or later first.',
  },
  BACKUP_APP_MISSING: {
    status: 404,
    message: 'The backup has no app {name}.',
    hint: 'Choose one of the apps that the backup lists.',
  },
  BACKUP_DESTINATION_UNUSABLE: {
    status: 409,
    message: 'Backups can’t be kept in the storage of {name}: {reason}',
    hint: 'Set a storage for backups, or choose an app with a bucket, or the folder of the daemon.',
  },
  BACKUP_STORAGE_IN_USE: {
    status: 409,
    message: 'The schedule puts backups in this storage.',
    hint: 'Choose another place in the schedule first: PATCH /backups/plan.',
  },
  BACKUP_STORAGE_FAILED: {
    status: 502,
    message: 'The storage of the backup failed: {reason}',
    hint: 'Test the storage of the app or of backups, and try again.',
    retryable: true,
  },
  RANGE_NOT_SATISFIABLE: {
    status: 416,
    message: 'The file has {size} bytes, and the header Range asks for none of them.',
    hint: 'Leave out Range to get the whole file.',
  },
  RESTORE_ACROSS_DISKS: {
    status: 409,
    message: 'The restore can’t replace {folder} in the data folder, because it is on another disk or a mount.',
    hint: 'Restore into an empty data folder without mounts inside, or unmount the folder first and put its files there.',
  },
  RESTORE_NOT_PENDING: {
    status: 404,
    message: 'No restore waits for the next start.',
    hint: 'Nothing needs to be done.',
  },
  // tokens
  TOKEN_NOT_FOUND: {
    status: 404,
    message: 'No API token has the id {id}.',
    hint: 'List the tokens again: it may have been revoked.',
  },
  // alerts
  ALERT_RULE_NOT_FOUND: {
    status: 404,
    message: 'No rule has the id {id}.',
    hint: 'List the rules: GET /alerts.',
  },
  ALERT_CHANNEL_NOT_FOUND: {
    status: 404,
    message: 'No channel has the id {id}.',
    hint: 'List the channels: GET /alerts/channels.',
  },
  ALERT_CHANNEL_IN_USE: {
    status: 409,
    message: 'Without the channel {name}, these rules would tell nobody: {rules}.',
    hint: 'Give these rules other channels first, or delete them.',
  },
  ALERT_LIMIT_REACHED: {
    status: 409,
    message: 'There are {limit} {what} already, which is the most there can be.',
    hint: 'Delete one that you no longer need.',
  },
  INCIDENT_NOT_FOUND: {
    status: 404,
    message: 'No incident has the id {id}.',
    hint: 'List the incidents again: closed ones are removed after a while.',
  },
  INCIDENT_CLOSED: {
    status: 409,
    message: 'The incident {id} is closed.',
    hint: 'Nothing is left to do: it was over by itself.',
  },
  // jobs
  JOB_NOT_FOUND: {
    status: 404,
    message: 'No job has the id {id}.',
    hint: 'List the jobs again: finished ones are removed after a while.',
  },
  JOB_NOT_CANCELLABLE: {
    status: 409,
    message: 'The job {id} has ended, or is past the point where it can be cancelled.',
    hint: 'Get the job to see its state.',
  },
  JOB_OUTDATED: {
    status: 409,
    message: '{what} that the job worked on no longer exists, so there is nothing to try again.',
    hint: 'Nothing is left to do.',
  },
  JOB_NOT_RETRYABLE: {
    status: 409,
    message: 'The job {id} has not failed, or another job has replaced it.',
    hint: 'List the jobs again to see its state.',
  },
  JOB_KEEPS_STOPPING: {
    status: 500,
    message: 'The daemon stopped {count} times during this job without progress, so it gave up.',
    hint: 'Find the reason in the log, then retry the job.',
  },
  // storage
  STORAGE_PROVIDER_UNKNOWN: {
    status: 400,
    message: 'No storage provider is named {provider}; choose one of {known}.',
    hint: 'Choose a provider of the list, or install the plugin that brings it.',
  },
  STORAGE_PROVIDER_UNAVAILABLE: {
    status: 409,
    message: 'The storage provider {provider} is not available: its plugin {plugin} {reason}.',
    hint: 'GET /plugins shows the plugin’s state.',
  },
  STORAGE_BUCKET_NOT_CREATED: {
    status: 502,
    message: 'The bucket {bucket} was not created: {reason}',
    hint: 'Check name, region and credentials. The credentials need the right to create buckets.',
    isWholeStory: true,
  },
  STORAGE_CORS_NOT_SET: {
    status: 502,
    message: 'The CORS rules of the bucket {bucket} were not changed: {reason}',
    hint: 'Add a CORS rule to the bucket in the console of your provider: origin *, methods GET and HEAD.',
    isWholeStory: true,
  },
  STORAGE_PUBLIC_UNCONFIRMED: {
    status: 400,
    message: 'With a public_url, anyone who knows or guesses an address can open the app’s recordings.',
    hint: 'If you want that, send confirmPublic: true.',
  },
  STORAGE_ROLE_OPERATOR_ONLY: {
    status: 403,
    message:
      'Only an operator can choose the machine’s AWS role for a bucket, because it can reach buckets of other teams.',
    hint: 'Ask an operator, or send an access key and a secret key.',
  },
  STORAGE_PURGE_FAILED: {
    status: 502,
    message: '{reason} Nothing else of the app was changed.',
    hint: 'Fix the cause, then delete the app again. Objects that are already gone count as deleted. If the bucket is gone for good, leaveObjects=true deletes the app and leaves its objects.',
    retryable: true,
  },
  // presets and plugins
  PRESET_NOT_FOUND: {
    status: 404,
    message: 'No preset has the id {preset}; ids are case-sensitive.',
    hint: 'List the presets again: its plugin may be disabled or removed.',
  },
  // sign-in
  BAD_LOGIN: {
    status: 401,
    message: 'The name or the password is wrong.',
    hint: 'Check both, or use “Forgot password”.',
  },
  TOTP_REQUIRED: {
    status: 401,
    message: 'totp_required',
    hint: 'Send the code from your authenticator app as `code`.',
  },
  TOTP_INVALID: {
    status: 401,
    message: 'totp_invalid',
    hint: 'Each code works once. Check your device’s clock, or use a recovery code.',
  },
  ACCOUNT_CHOICE_REQUIRED: {
    status: 401,
    message: 'An account uses this address, but the address was never confirmed.',
    hint: 'If the account is yours, send its `password`. If it isn’t, send `newAccount: true`. The link stays valid.',
  },
  BAD_LINK: {
    status: 401,
    message: 'The link is not valid: it was used, has expired, or was replaced by a newer one.',
    hint: 'Request a new link.',
  },
  SIGNUP_DISABLED: { status: 403, message: 'signup_disabled', hint: 'Ask for an invitation.' },
  SETUP_DONE: { status: 403, message: 'The first account already exists.', hint: 'Sign in, or ask for an invitation.' },
  MAGIC_LINK_COOLDOWN: {
    status: 429,
    message: 'A link for this address was requested a moment ago; try again in {seconds} s.',
    retryable: true,
    hint: 'Look for the earlier mail, also in the spam folder.',
  },
  EMAIL_NOT_PENDING: {
    status: 409,
    message: '{email} is neither the address of this account nor the one that waits for its proof.',
    hint: 'Open your account to see which address waits for its proof.',
  },
  EMAIL_IN_USE: {
    status: 400,
    message: 'Another account uses this email address.',
    hint: 'Sign in with that account, or use another address.',
  },
  BREAK_GLASS_FIXED: {
    status: 400,
    message: 'ADMIN_USER and ADMIN_PASS define the break-glass admin, so it cannot be changed here.',
    hint: 'Change both variables on the server, then restart the daemon.',
  },
  WRONG_PASSWORD: {
    status: 403,
    message: 'The current password is wrong.',
    hint: 'Enter your current password again, or set a new one with “Forgot password”.',
  },
  FRESH_SESSION_REQUIRED: {
    status: 403,
    message: 'Setting a first password needs a session younger than 15 minutes.',
    hint: 'Sign in with a new link.',
  },
  TOTP_STATE: {
    status: 400,
    message: 'Two-factor sign-in is {state}.',
    hint: 'Open your account to see its two-factor sign-in.',
  },
  TOTP_WRONG_CODE: { status: 400, message: 'The code is wrong.', hint: 'Check your device’s clock.' },
  SESSION_NOT_FOUND: {
    status: 404,
    message: 'You have no active session with this id.',
    hint: 'List the sessions again: it may have ended.',
  },
  // teams
  TENANT_NOT_YOURS: {
    status: 403,
    message: 'Your credential gives no access to this team.',
    hint: 'Ask an owner of the team for an invitation.',
  },
  TENANT_NOT_FOUND: {
    status: 404,
    message: 'No team has the id {id}.',
    hint: 'List the teams again: it may have been deleted.',
  },
  TENANT_HAS_APPS: { status: 409, message: 'The team still has {count} apps.', hint: 'Delete its apps first.' },
  PLATFORM_FIXED: {
    status: 409,
    message: 'The team `platform` belongs to the installation: {reason}.',
    hint: 'Create another team for this.',
  },
  USER_NOT_FOUND: {
    status: 404,
    message: 'No account has the id {id}.',
    hint: 'List the accounts again: it may have been deleted.',
  },
  MEMBER_NOT_FOUND: {
    status: 404,
    message: 'The team has no member with the id {id}.',
    hint: 'List the members again: the person may have left the team.',
  },
  ALREADY_MEMBER: {
    status: 409,
    message: 'This person is already a member of the team.',
    hint: 'Change the role of the member instead.',
  },
  LAST_OWNER: { status: 409, message: 'A team needs at least one owner.', hint: 'Make someone else an owner first.' },
  LAST_SUPERADMIN: {
    status: 409,
    message: 'The installation needs at least one superadmin who can sign in.',
    hint: 'Make another person a superadmin first.',
  },
  INVITE_NOT_FOUND: {
    status: 404,
    message: 'The team has no invitation for {id}.',
    hint: 'List the invitations again: it may be accepted, revoked or expired.',
  },
  INVITE_ACCEPTED: {
    status: 400,
    message: 'The invitation was already accepted; remove the member instead.',
    hint: 'Open the team’s members to remove the person.',
  },
  // network security
  IP_BLOCKED: {
    status: 403,
    message: 'This address is not allowed.',
    hint: 'Connect from an allowed address, or ask an administrator to change the address rules.',
  },
  IP_BANNED: {
    status: 429,
    message: 'This address is temporarily banned; try again in {seconds} s.',
    retryable: true,
    hint: 'Wait, or ask an administrator to remove the ban.',
  },
  IP_RULE_EXISTS: {
    status: 409,
    message: 'A rule for {cidr} already exists.',
    hint: 'Change or delete the rule that exists.',
  },
  IP_RULE_NOT_FOUND: {
    status: 404,
    message: 'No address rule has the id {id}.',
    hint: 'List the rules again: it may have been deleted.',
  },
  IP_BAN_NOT_FOUND: {
    status: 404,
    message: 'No ban has the id {id}.',
    hint: 'List the bans again: it may have ended.',
  },
  WOULD_SHUT_YOU_OUT: {
    status: 409,
    message: 'This would block your own address, {ip}.',
    hint: 'If you want that, send `force: true`.',
  },
  // cluster
  CLUSTER_DISABLED: {
    status: 503,
    message: 'cluster joining disabled (STREAMHUB_CLUSTER_TOKEN unset)',
    hint: 'Set STREAMHUB_CLUSTER_TOKEN, then restart the daemon.',
  },
  CLUSTER_TOKEN_INVALID: {
    status: 401,
    message: 'invalid cluster token',
    hint: 'Send the STREAMHUB_CLUSTER_TOKEN of the daemon in X-Cluster-Token.',
  },
  NODE_CREDENTIAL_INVALID: {
    status: 401,
    message: 'this node credential is invalid',
    hint: 'Run the join command on the machine again.',
  },
  NODE_CREDENTIAL_REQUIRED: {
    status: 401,
    message: 'this node has its own credential; the shared cluster token can no longer report for it',
    hint: 'Run the join command on the machine again.',
  },
  NODE_REMOVED: {
    status: 410,
    message: 'this node was removed from the cluster',
    hint: 'To bring it back, run the join command on it again.',
  },
  NODE_DISABLED: { status: 403, message: 'the node {name} is disabled', hint: 'Set its status to active first.' },
  NODE_NOT_FOUND: { status: 404, message: 'unknown node', hint: 'List the nodes again: it may have been removed.' },
  NODE_NAME_RESERVED: {
    status: 409,
    message: 'The daemon’s own machine uses the name {name}.',
    hint: 'Choose another name.',
  },
  NODE_NAME_TAKEN: {
    status: 409,
    message: 'A node named {name} already exists.',
    hint: 'Choose another name, or remove the node that has it.',
  },
  NODE_NAME_IN_USE: {
    status: 409,
    message: 'A node named {name} is active and has its own credential.',
    hint: 'Give this machine another name (--node-name). To replace the node, remove it in the console first.',
  },
  NODE_ADDRESS_IN_USE: {
    status: 409,
    message: 'Clients reach the active node {name} at {url}.',
    hint: 'Give this machine another address (--node-url). To replace the node, remove it in the console first.',
  },
  NODE_DUPLICATED: {
    status: 409,
    message: 'Another machine is active as the node {name}. This machine is probably a copy of its disk.',
    hint: 'On the copy, run install.sh with --uninstall, then join it under another name.',
  },
  JOIN_CODE_INVALID: {
    status: 401,
    message: 'This join code is unknown, used, revoked or expired.',
    hint: 'Create a new join command in the console (Cluster, Add node).',
  },
  JOIN_CODE_NAME: {
    status: 403,
    message: 'This join code is only valid for the node name {name}.',
    hint: 'Use that name (--node-name), or create another join code.',
  },
  JOIN_CODE_NOT_FOUND: {
    status: 404,
    message: 'There is no such join code. It may be used or expired.',
    hint: 'Create a new join code.',
  },
  JOIN_CODE_LIMIT: {
    status: 409,
    message: 'There are already {max} valid join codes.',
    hint: 'Revoke those that you don’t need.',
  },
  STATS_TOO_LARGE: {
    status: 413,
    message: `stats payload too large (max ${MAX_STATS_BYTES} bytes serialized)`,
    hint: 'Send fewer values.',
  },
  DRAIN_CONFIRMATION_REQUIRED: {
    status: 400,
    message: 'Ending the rooms of a node disconnects their participants. If you want that, send drain.confirm: true.',
    hint: 'Without it, rooms end by themselves as people leave.',
  },
  NODE_HAS_NO_AGENT: {
    status: 409,
    message: 'No agent reports for the node {name}.',
    hint: 'Join the machine with the join command, which installs the agent.',
  },
  AGENT_CHANGED: {
    status: 404,
    message: 'This daemon serves another version of the edge agent.',
    hint: 'Download install.sh again.',
  },
  AGENT_UNAVAILABLE: {
    status: 503,
    message: 'The edge agent cannot be served: {reason}',
    hint: 'Correct what the message names on the daemon’s machine.',
  },
  // LiveKit, streams and recordings
  LIVEKIT_NOT_CONFIGURED: {
    status: 503,
    message: 'No LiveKit server is configured.',
    hint: 'Set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET.',
  },
  LIVEKIT_UNREACHABLE: {
    status: 502,
    message: 'LiveKit is not responding: {reason}',
    retryable: true,
    hint: 'Check that LiveKit runs and that LIVEKIT_URL is its address. The overview tests the connection in steps.',
  },
  LIVEKIT_REFUSED: {
    status: 502,
    message: 'LiveKit refused: {reason}',
    hint: 'Check LIVEKIT_API_KEY and LIVEKIT_API_SECRET, and read LiveKit’s log.',
  },
  LIVEKIT_NOT_MANAGED: {
    status: 409,
    message: 'The daemon doesn’t run LiveKit itself: {reason}.',
    hint: 'Set LIVEKIT_MODE to managed, and remove LIVEKIT_URL and the keys from the environment.',
  },
  LIVEKIT_REVISION_UNKNOWN: {
    status: 404,
    message: 'LiveKit’s settings have no revision {revision}.',
    hint: 'The last 50 revisions are kept: GET /livekit/settings lists them.',
  },
  LIVEKIT_KEYS_ROTATING: {
    status: 409,
    message: 'A rotation of LiveKit’s keys is under way.',
    hint: 'Restart LiveKit, so that it accepts the new key, and then remove the old one.',
  },
  LIVEKIT_KEYS_NODES: {
    status: 409,
    message: 'Nodes can’t be given new keys: {names}.',
    hint: 'Upgrade their agents, or remove these nodes or set them to disabled.',
  },
  LIVEKIT_KEYS_NOT_ROTATED: {
    status: 409,
    message: 'There is no old LiveKit key to remove.',
    hint: 'Rotate the keys first. The old key can be removed once LiveKit was started with both.',
  },
  CONNECTION_UNKNOWN: {
    status: 404,
    message: 'No participant {sid} is known in this app.',
    hint: 'LiveKit tells of it with a webhook, a moment after it joined. Try again in 10 seconds.',
  },
  SESSION_UNKNOWN: {
    status: 404,
    message: 'The app has no session {id}.',
    hint: 'List the sessions again: old ones are deleted after analytics.retention_days.',
  },
  STREAM_NOT_FOUND: {
    status: 404,
    message: 'The app has no stream {id}.',
    hint: 'List the streams again: it may have ended.',
  },
  PROBE_UNKNOWN: {
    status: 404,
    message: 'No check of the installation asks for this.',
    hint: 'Start one with POST /system/check.',
  },
  ROOM_NOT_FOUND: {
    status: 404,
    message: 'The app has no open room named {room}.',
    hint: 'Check the name. A room exists only while somebody is in it.',
  },
  ROOM_EXISTS: {
    status: 409,
    message: 'The room {room} is open already.',
    hint: 'LiveKit can’t change the limits of an open room. End it first, or choose another name.',
  },
  PARTICIPANT_NOT_FOUND: {
    status: 404,
    message: 'Nobody with the identity {identity} is in the room {room}.',
    hint: 'Read the room again: the participant may have left.',
  },
  TRACK_NOT_FOUND: {
    status: 404,
    message: '{identity} publishes no track {track} in the room {room}.',
    hint: 'Read the room again: the track may have ended.',
  },
  UNMUTE_REFUSED: {
    status: 409,
    message: 'LiveKit doesn’t allow anyone but the participant to unmute a track.',
    hint: 'Ask the participant to unmute. To allow it, set room.enable_remote_unmute: true in LiveKit’s config.',
  },
  LIVEKIT_UNSUPPORTED: {
    status: 501,
    message: 'This LiveKit server can’t {what}.',
    hint: 'LiveKit’s open-source server can’t do this. Give the participant a token for the other room instead.',
  },
  PLAYBACK_NOT_PUBLIC: {
    status: 403,
    message: 'Streams of the app {name} can only be watched with a join token.',
    hint: 'Send a token of POST /apps/{app}/tokens as Authorization: Bearer, or open the playUrl of that answer.',
  },
  JOIN_TOKEN_INVALID: {
    status: 403,
    message:
      'The join token is not valid for the room {room}: it has expired, or it was made for another room or server.',
    hint: 'Make a new one with POST /apps/{app}/tokens.',
  },
  FEATURE_OFF: {
    status: 400,
    message: 'The feature {feature} is off for this app.',
    hint: 'Turn it on in the config.',
  },
  INGRESS_NOT_FOUND: {
    status: 404,
    message: 'The app has no ingest {id}.',
    hint: 'List the ingests again: it may have been deleted.',
  },
  INGRESS_LIMIT: {
    status: 409,
    message: 'The team already has {max} ingests.',
    hint: 'Delete those that you don’t need.',
  },
  INGRESS_NOT_TAKEN: {
    status: 502,
    message: 'The source for {room} isn’t fetched: {reason}',
    isWholeStory: true,
    hint: 'Run LiveKit’s ingress service with the same Redis, on a machine with free CPUs.',
    retryable: true,
  },
  INGRESS_LIVE: {
    status: 409,
    message: 'The ingest is live: LiveKit would cut off its encoder.',
    hint: 'Change it when nothing is sent, or pause it first.',
  },
  INGRESS_FIXED: {
    status: 409,
    message: 'LiveKit can’t change an ingest that fetches a source.',
    hint: 'Delete it and create another one.',
  },
  RECORDING_DISABLED: {
    status: 400,
    message: 'Recording is not enabled for this app.',
    hint: 'Set recording.enabled in the config.',
  },
  ALREADY_RECORDING: {
    status: 409,
    message: '{what} is already being recorded.',
    hint: 'Stop that recording first if you want another one.',
  },
  RECORDING_NOT_TAKEN: {
    status: 502,
    message: 'Recording{what} was not started: {reason}',
    hint: 'Correct what the message names, then start it again.',
    retryable: true,
    isWholeStory: true,
  },
  LIVE_HLS_OFF: {
    status: 409,
    message: 'The app has no live HLS.',
    hint: 'Set distribution.mode to cdn in the config.',
  },
  LIVE_HLS_NO_VIDEO: {
    status: 409,
    message: 'The stream {id} has no video, so there is nothing to show as HLS.',
    hint: 'Start it again when the camera is on.',
  },
  LIVE_HLS_NOT_TAKEN: {
    status: 502,
    message: 'Live HLS of {room} was not started: {reason}',
    hint: 'Correct what the message names. It is tried again as long as the stream runs.',
    retryable: true,
    isWholeStory: true,
  },
  VOD_NOT_FOUND: {
    status: 404,
    message: 'The app has no VOD {id}.',
    hint: 'List the recordings again: it may have been deleted.',
  },
  VOD_IN_PROGRESS: { status: 409, message: 'The VOD is still being written.', hint: 'Stop the recording first.' },
  VOD_OBJECTS_KEPT: {
    status: 502,
    message: '{reason} The VOD was kept.',
    hint: 'Fix the cause, then delete it again. If the bucket is gone for good, leaveObjects=true removes the VOD and leaves its objects.',
    retryable: true,
  },
  WEBHOOK_SIGNATURE: {
    status: 401,
    message: 'The webhook was refused: {reason}',
    hint: 'The field `cause` of the answer and GET /system/livekit tell why.',
  },
  WEBHOOK_UNREADABLE: {
    status: 400,
    message: 'The webhook cannot be read: {reason}',
    hint: 'Check that only LiveKit sends to this address.',
  },
  WEBHOOK_NOT_STORED: {
    status: 503,
    message: 'The event could not be stored; send it again.',
    retryable: true,
    hint: 'Check the disk of the daemon. LiveKit sends it again.',
  },
  // callbacks
  DELIVERY_NOT_FOUND: {
    status: 404,
    message: 'The app has no callback delivery {id}.',
    hint: 'List the deliveries again: old ones are removed.',
  },
  MQTT_OFF: {
    status: 409,
    message: 'The app publishes nothing over MQTT.',
    hint: 'Set mqtt.enabled and mqtt.url in the config.',
  },
  CALLBACKS_OFF: { status: 409, message: 'The app has no callback URL.', hint: 'Set callbackUrl first.' },
  // files in the app's folder
  FILE_LINK_INVALID: {
    status: 403,
    message: 'This daemon did not create this link, or the link was changed.',
    hint: 'Request the recording again to get a new link.',
  },
  FILE_LINK_EXPIRED: {
    status: 410,
    message: 'This link has expired.',
    hint: 'Request the recording again to get a new link.',
  },
  FILE_MISSING: {
    status: 404,
    message: 'The file no longer exists.',
    hint: 'It was moved or deleted. List the recordings again.',
  },
  PLAYLIST_UNREADABLE: {
    status: 502,
    message: 'The playlist could not be read from the storage. {reason}',
    hint: 'Test the app’s storage in the console.',
    retryable: true,
  },
  // recordings that are moved to their storage
  RECORDING_NOT_MOVED: {
    status: 502,
    message: 'The recording could not be moved to the storage: {reason}',
    hint: 'It is safe in the app’s folder, and the job tries again. Test the app’s storage in the console.',
    retryable: true,
  },
  RECORDING_FILE_MISSING: {
    status: 422,
    message: 'The recording could not be moved to the storage: {reason}.',
    hint: 'LiveKit’s egress service must see the app’s folder under the same path as the daemon. Then retry the job.',
  },
  // transcoding of recordings
  VOD_NOT_TRANSCODABLE: {
    status: 409,
    message: 'No ladder can be made of the VOD {id}: {reason}',
    hint: 'Choose a finished recording that has a picture.',
  },
  FFMPEG_MISSING: {
    status: 503,
    message: 'ffmpeg is not installed on the daemon’s machine. Install it with: {command}',
    hint: 'Then retry the job. Until then, recordings are ready without an HLS ladder.',
  },
  TRANSCODING_FAILED: {
    status: 422,
    message: 'No ladder could be made of the recording: {reason}',
    hint: 'Play the recording to see if it is whole, then start the transcoding again.',
  },
  TRANSCODING_STORAGE: {
    status: 502,
    message: 'The storage of the recording refused: {reason}',
    hint: 'Test the app’s storage in the console. What is encoded is kept until the daemon starts again.',
    retryable: true,
  },
  TRANSCODING_NO_SPACE: {
    status: 507,
    message: 'The disk of the daemon has no room to transcode the recording: it needs {needed}.',
    hint: 'Free some space on the disk of the DATA_DIR.',
    retryable: true,
  },
  // plugins
  PLUGIN_NOT_FOUND: {
    status: 404,
    message: 'No plugin has the id {id}.',
    hint: 'List the plugins again: it may have been removed.',
  },
  PLUGIN_FAILED: {
    status: 502,
    message: 'The plugin {plugin} failed: {reason}.',
    hint: 'The log has its error with the stack. Update the plugin, or roll it back to the version before.',
    isWholeStory: true,
  },
  PLUGIN_EXISTS: {
    status: 409,
    message: 'A plugin with the id {id} is already installed.',
    hint: 'Update it instead: PUT /plugins/{id}. Or remove it first.',
  },
  PLUGIN_ID_DIFFERS: {
    status: 400,
    message: 'The file contains the plugin {found}, not {id}.',
    hint: 'Choose the file of the plugin to update, or install this one as a new plugin.',
  },
  PLUGIN_INVALID: {
    status: 422,
    message: 'The plugin can’t be used: {reason}. Nothing was changed.',
    hint: 'details has each problem with its fix. `streamhub plugin check` finds the same problems.',
  },
  PLUGIN_CHECKSUM_DIFFERS: {
    status: 422,
    message: 'The file has the SHA-256 {found}, but {expected} was expected. It was not unpacked.',
    hint: 'Compare the checksum with that of the author. Download the file again, or ask the author for the right one.',
  },
  PLUGIN_DOWNLOAD_FAILED: {
    status: 502,
    message: 'The plugin could not be downloaded from {host}: {reason}.',
    hint: 'Check the address. If this server has no way to it, download the file yourself and upload it.',
    isWholeStory: true,
    retryable: true,
  },
  PLUGIN_BUILT_IN: {
    status: 409,
    message: 'The plugin {id} is part of StreamHub.',
    hint: 'You can disable it. It is updated with StreamHub.',
  },
  PLUGIN_FROM_NPM: {
    status: 409,
    message: 'The plugin {id} was installed with npm, as the package {package}.',
    hint: 'Update or remove it with npm in the plugin folder, then reload the plugins.',
  },
  PLUGIN_IN_USE: {
    status: 409,
    message: 'The config of these apps names a storage provider of the plugin {id} that would be gone: {apps}.',
    hint: 'Give these apps another storage provider first. With force=true they record nothing until they have one.',
  },
  PLUGIN_NO_PREVIOUS: {
    status: 409,
    message: 'No earlier version of the plugin {id} is kept.',
    hint: 'Update the plugin with the file of the version that you want.',
  },
  PLUGIN_SAFE_MODE: {
    status: 409,
    message: 'StreamHub was started with --safe, so the plugin {id} is off.',
    hint: 'Restart the daemon without --safe.',
  },
  // system
  NOT_READY: {
    status: 503,
    message: 'The daemon is not ready: {reason}',
    retryable: true,
    hint: 'Wait a moment. If it lasts, correct what the message names.',
  },
  METRICS_DISABLED: {
    status: 404,
    message: 'Metrics are off.',
    hint: 'Set METRICS_TOKEN and restart the daemon.',
  },
  METRICS_FORBIDDEN: {
    status: 403,
    message: 'The metrics token is missing or wrong.',
    hint: 'Send METRICS_TOKEN as Authorization: Bearer.',
  },
  TASK_TIMEOUT: {
    status: 400,
    message: '{what} took longer than {seconds} s and was stopped.',
    hint: 'Try again when the server has less to do. If it happens again, make the file smaller.',
  },
  TASK_FAILED: {
    status: 400,
    message: '{what} needed more memory than allowed and was stopped.',
    hint: 'Make the file smaller, then try again.',
  },
});

export type ErrorCode = keyof typeof ERRORS;

/** Codes of every operation that reads or writes files: what the daemon's disk refuses. */
export const FILE_ERRORS: readonly ErrorCode[] = [
  'STORAGE_FULL',
  'FILE_READ_ONLY',
  'FILE_ACCESS_DENIED',
  'FILE_PROTECTED',
  'FILE_IN_USE',
  'FILE_PATH_UNUSABLE',
  'FILE_REFUSED',
  'DATABASE_BUSY',
  'DATABASE_READ_ONLY',
  'DISK_FAILED',
  'TOO_MANY_OPEN_FILES',
];

/** One field that is wrong: `path` as in `body.name`, `query.limit`. */
export interface ErrorDetail {
  path: string;
  message: string;
}

/** An error with a code of the table; what a service throws to refuse a request. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  /** What the caller can do about it. */
  readonly hint: string | undefined;
  readonly details: ErrorDetail[] | undefined;
  /** Further keys of the answer, e.g. `retryAfterSeconds`. */
  readonly extra: Record<string, unknown> | undefined;
  /** Response headers that belong to the refusal, e.g. `retry-after`. */
  readonly headers: Record<string, string> | undefined;

  constructor(
    code: ErrorCode,
    params: Record<string, string | number> = {},
    more: {
      details?: ErrorDetail[];
      extra?: Record<string, unknown>;
      headers?: Record<string, string>;
      cause?: unknown;
      message?: string;
      /** Instead of the table's, where this case has a better one. */
      hint?: string;
    } = {},
  ) {
    const definition: ErrorDefinition = ERRORS[code];
    // a refusal is an answer, not a fault: gathering its stack would cost more than the rest of the request
    const limit = Error.stackTraceLimit;
    if (definition.status < 500) Error.stackTraceLimit = 0;
    super(
      more.message ?? fill(definition.message, params),
      more.cause === undefined ? undefined : { cause: more.cause },
    );
    Error.stackTraceLimit = limit;
    this.name = 'ApiError';
    this.code = code;
    this.status = definition.status;
    this.hint = more.hint ?? definition.hint;
    this.details = more.details;
    this.extra = more.extra;
    this.headers = more.headers;
  }
}

function fill(template: string, params: Record<string, string | number>): string {
  return template.replace(/\{(\w+)\}/g, (place, key: string) => (key in params ? String(params[key]) : place));
}

/** A refusal of one field, as a 400 with `details`. */
export function fieldError(path: string, message: string): ApiError {
  return fieldErrors([{ path, message }]);
}

/** A refusal of several fields. */
export function fieldErrors(details: ErrorDetail[]): ApiError {
  const reason = details.map(({ path, message }) => `${path} ${message}`).join('; ');
  return new ApiError('VALIDATION_FAILED', { reason }, { details });
}
