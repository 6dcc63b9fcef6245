/** What the controller needs of a log; pino is one. Only `dvr controller` chooses. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export const silentLog: Log = { info: () => {}, warn: () => {} };
