export const sql = `
-- id of the person whom an event is about
ALTER TABLE events ADD COLUMN user TEXT;
`;
