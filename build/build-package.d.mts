/** Fills a folder with what the npm package holds. */
export function stagePackage(folder: string): Promise<void>;
