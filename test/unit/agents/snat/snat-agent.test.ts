import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { kSnatPort, readDatagram, type Ballot, type Vote } from '../../../../src/agents/snat/ballot.js';
import { openPost } from '../../../../src/agents/snat/post.js';
import { SnatAgent, type Share } from '../../../../src/agents/snat/snat-agent.js';

const [nn1, nn2] = ['127.16.0.21', '127.16.0.22'];
const noShare = { out: { offer: () => {}, withdraw: () => {}, close: () => {} }, in: { follow: () => {}, stop: () => {}, close: () => {} } };

it('a SNAT agent that is stopped at work gives its votes back before it goes', async () => {
  const heard: Ballot[] = [];
  const peer = createSocket('udp4');
  peer.on('message', (datagram, { address, port }) => {
    for (const ballot of readDatagram(datagram)) {
      heard.push(ballot);
      if (ballot.type !== 'ask') continue;
      const { router, from, term, sentMs } = ballot;
      peer.send(JSON.stringify({ type: 'vote', router, from: 'nn2', choice: from, term, sentMs } satisfies Vote), port, address);
    }
  });
  peer.bind(kSnatPort, nn2);
  await once(peer, 'listening');
  try {
    let winner: string | undefined;
    const agent = new SnatAgent({
      openPost: (vtepIp, hear) => openPost(vtepIp, hear, () => {}), openShare: () => noShare as unknown as Share,
      elected: ({ r1 }) => { winner = r1; }, log: () => {},
    });
    agent.setWish({
      node: 'nn1', vtepIp: nn1, peers: { nn2 },
      entries: [{ router: 'r1', candidates: ['nn1'], voters: ['nn1', 'nn2'], listeners: [], stand: { gates: [], netns: '/run/netns/snat-r1' } }],
    });
    await expect.poll(() => winner, { timeout: 10_000 }).toBe('nn1');
    await agent.close();
    await expect.poll(() => heard.at(-1)?.type).toBe('release');
  } finally {
    peer.close();
  }
});
