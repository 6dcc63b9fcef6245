/**
 * The changes as etcd tells of them: one transaction is one revision, and one batch; only a large one takes
 * many revisions (etcd-parts.ts), which are gathered until it is whole.
 */
import type { IEvent, IWatchResponse } from 'etcd3';
import { endOf, type EtcdClient } from './etcd-client.js';
import { entryKey, UNDER_WAY, watched } from './etcd-keys.js';
import type { Change, Watcher } from './store.js';

/** Who makes a large batch has this long to finish it, before others help. */
const HELP_MS = 500;

/** @param help Finishes the large batch that has this marker. */
export function watchEtcd(
  client: EtcdClient,
  at: number,
  watcher: Watcher,
  help: (marker: string) => Promise<void>,
): () => void {
  const batches = new Batches(watcher.changed, help);
  let stop = (): void => {};
  let isOver = false;
  const end = (): void => {
    isOver = true;
    batches.close();
    stop();
  };
  const lose = (why: Error): void => {
    if (isOver) return;
    end();
    watcher.lost(why);
  };
  client.watch().then((stream) => {
    stop = () => stream.cancel();
    stream.on('error', lose);
    stream.on('end', () => lose(new Error('etcd has ended the watch')));
    if (isOver) return stop();
    stream.on('data', (response) => {
      if (isOver) return;
      const { canceled, compact_revision: forgotten, cancel_reason: why } = response;
      if (canceled) lose(new Error(why !== '' ? why : `etcd has forgotten what was before ${forgotten}`));
      else batches.take(response);
    });
    stream.write({
      create_request: {
        key: Buffer.from(watched.first),
        range_end: endOf(watched.root),
        start_revision: `${at + 1}`,
      },
    });
  }, lose);
  return end;
}

class Batches {
  /** Of the large batch under way, by key. */
  private large: Map<string, Change> | undefined;
  private helper: NodeJS.Timeout | undefined;

  constructor(
    private readonly tell: (changes: readonly Change[]) => void,
    private readonly help: (marker: string) => Promise<void>,
  ) {}

  take({ events }: IWatchResponse): void {
    for (const ofOne of byRevision(events)) {
      const marker = ofOne.find(({ kv }) => kv.key.toString() === UNDER_WAY);
      const changes = ofOne.flatMap(({ type, kv }): Change[] => {
        const key = entryKey(kv.key);
        if (key === undefined) return [];
        return [type === 'Delete' ? { key } : { key, value: kv.value.toString() }];
      });
      if (marker?.type === 'Put') this.begin(marker.kv.value.toString());
      for (const change of changes) this.large?.set(change.key, change);
      if (marker?.type === 'Delete') this.end();
      else if (this.large === undefined && changes.length > 0) this.tell(changes);
    }
  }

  close(): void {
    clearTimeout(this.helper);
  }

  private begin(marker: string): void {
    this.large = new Map();
    this.helper = setTimeout(() => void this.help(marker).catch(() => {}), HELP_MS);
  }

  private end(): void {
    clearTimeout(this.helper);
    const changes = [...(this.large ?? new Map<string, Change>()).values()];
    this.large = undefined;
    if (changes.length > 0) this.tell(changes);
  }
}

/** Events of one transaction together; they come in the order of revisions. */
function byRevision(events: readonly IEvent[]): IEvent[][] {
  const groups: IEvent[][] = [];
  for (const event of events) {
    const last = groups.at(-1);
    if (last?.[0]?.kv.mod_revision === event.kv.mod_revision) last.push(event);
    else groups.push([event]);
  }
  return groups;
}
