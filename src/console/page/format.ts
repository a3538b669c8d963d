const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.5 MiB` */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // What rounds up to 1024.0 is 1.0 of the next unit.
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

export function formatRate(bytesPerSecond: number | undefined): string {
  return bytesPerSecond === undefined ? '–' : `${formatBytes(bytesPerSecond)}/s`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `12 s`, `3 min 5 s`, `2 h 4 min`: of something that somebody waits for. */
export function formatElapsed(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${Math.floor((ms % MINUTE) / SECOND)} s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${Math.floor((ms % HOUR) / MINUTE)} min`;
  return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`;
}

/** `0.4 ms`, `37 ms`, `1.25 s`, `3 min 5 s`: of something that was measured. */
export function formatDuration(ms: number): string {
  if (ms < 9.95) return `${Math.max(0, ms).toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(2)} s`;
  return formatElapsed(ms);
}

/** `just now`, `12 s ago`, `3 min ago`, `2 h ago`, `4 d ago` */
export function formatAgo(ms: number): string {
  if (ms < 2 * SECOND) return 'just now';
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s ago`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ago`;
  return `${Math.floor(ms / DAY)} d ago`;
}

/** What a POSIX code means to whoever waits for the file. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNABORTED: 'the client left before it closed the file',
  ECANCELED: 'given up',
  EACCES: 'not allowed',
  EPERM: 'not allowed',
  EEXIST: 'the name is taken',
  ENOENT: 'no such file or folder',
  EISDIR: 'a folder has this name',
  ENOTDIR: 'a file stands where a folder should be',
  EIO: 'the storage failed',
  EAGAIN: 'the storage is busy',
  ETIMEDOUT: 'the storage did not answer in time',
  ENOSPC: 'no room left',
  ENOMEM: 'no memory left',
  EFBIG: 'the file is too large',
  ESTALE: 'the file was replaced meanwhile',
  EINVAL: 'not a valid request',
  ENOTSUP: 'not supported',
  EROFS: 'read only',
};

export function explainResult(result: string): string {
  return REASONS[result] ?? result;
}

/** `/in/2026/` and `report.csv`: what tells files apart is the end. */
export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const end = path.lastIndexOf('/', path.length - 2) + 1;
  return { folder: path.slice(0, end), name: path.slice(end) };
}
