import { expect, it } from 'vitest';
import { entranceOf, outsideAddresses } from '../../../src/trace/outside-addresses.js';
import { gateway, nn1, outsideMac, withRouter } from '../agents/outside.js';

it('what a router only forwards from is answered for by its qg device; its gateway address keeps its name', () => {
  const web = { protocol: 'tcp', externalPort: 8080, fixedIp: '10.1.0.13', internalPort: 80 } as const;
  const portForwardings = [{ ...web, externalIp: '203.0.113.20' }, { ...web, externalIp: '203.0.113.150' }];
  const known = outsideAddresses([withRouter(nn1, { gateway: { ...gateway, portForwardings } })]);
  const at = { network: 'ext', node: 'nn1', device: 'qg-ext of r1', mac: outsideMac.qg };
  expect([...known]).toEqual([
    ['203.0.113.20', { ...at, what: 'gateway address of r1' }],
    ['203.0.113.150', { ...at, what: 'floating IP that r1 forwards from' }],
  ]);
});

it('a port\'s own address is reached from outside where its router does not translate, by its gateway', () => {
  const [at, vm4] = [{ what: 'gateway address of r1', network: 'ext', node: 'nn1', device: 'qg-ext of r1', mac: outsideMac.qg }, '10.2.0.14'];
  const routed = withRouter(nn1, { gateway: { ...gateway, snat: false } });
  expect([entranceOf([routed], vm4), entranceOf([nn1], vm4), entranceOf([routed], '10.2.0.99')]).toEqual([{ ...at, port: 'vm4' }, undefined, undefined]);
});
