export const sql = `
-- a job without an app is the installation's, which has no team
UPDATE events SET tenant = NULL WHERE topic = 'jobs' AND app IS NULL;
`;
