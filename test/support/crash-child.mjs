// A controller on its store, without doors: does one command after another (crash-commands.mjs) and says after
// each, on stdout, which revision it was answered at. It kills itself before or after one of its calls of the
// store: usage: node crash-child.mjs level|etcd FOLDER|URL CALL, where call 0 is none.
import { writeSync } from 'node:fs';
import { commandAt } from './crash-commands.mjs';

const dist = new URL('../../dist/', import.meta.url);
const load = (path) => import(new URL(path, dist).href);
const [, , kind, where, dieAt] = process.argv;

let calls = 0;
function countedCalls(prototype, names) {
  const die = () => {
    if (++calls === Number(dieAt)) process.kill(process.pid, 'SIGKILL');
  };
  for (const name of names) {
    const real = prototype[name];
    prototype[name] = async function counted(...args) {
      die();
      const result = await real.apply(this, args);
      die();
      return result;
    };
  }
}

async function open() {
  if (kind === 'level') {
    const { ClassicLevel } = await import('classic-level');
    countedCalls(ClassicLevel.prototype, ['batch', 'get']);
    const { LevelStore } = await load('controller/store/level.js');
    return await LevelStore.open(where);
  }
  const { EtcdClient } = await load('controller/store/etcd-client.js');
  countedCalls(EtcdClient.prototype, ['once', 'untilDone']);
  const [{ EtcdStore }, { etcdAccess }] = await Promise.all([load('controller/store/etcd.js'), load('controller/store/etcd-access.js')]);
  return await EtcdStore.open(etcdAccess(where, {}));
}

const [{ Controller }, { parseTopology }, { decodeHead, HEAD_KEY }] = await Promise.all([
  load('controller/controller.js'), load('model/topology.js'), load('controller/store/head.js'),
]);
const store = await open();
const revisionNow = async () => {
  const head = await store.get(HEAD_KEY);
  return head === undefined ? 0 : decodeHead(head).revision;
};
const controller = await Controller.open(store);
writeSync(1, 'ready\n');
for (let revision = await revisionNow(); ; revision++) {
  await controller.execute(commandAt(revision, parseTopology));
  writeSync(1, `${revision + 1}\n`);
}
