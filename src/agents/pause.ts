/** Waits so long, or until the signal; it never fails. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) { done(); return; }
    const timer = setTimeout(finish, ms);
    function finish(): void { clearTimeout(timer); signal.removeEventListener('abort', finish); done(); }
    signal.addEventListener('abort', finish);
  });
}
