/** Fills a folder with the Debian package's files, from what `stagePackage` made. @returns the folder */
export function stageDeb(staged: string, folder: string): string;
/** Packs it as this version. @param level of compression, 1 to 19; 0 = none @returns the file */
export function packDeb(folder: string, target: string, version: string, level?: number): string;
