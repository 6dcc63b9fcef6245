/** CLOCK_MONOTONIC in milliseconds: what the dataplane's gates go by as well. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;
