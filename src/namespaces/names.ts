/** What our namespaces on a node are called: as in Neutron, by what people call the router or the external network. */
export const routerNamespaceName = (routerId: string): string => `qrouter-${routerId}`;
export const isRouterNamespace = (name: string): boolean => name.startsWith(routerNamespaceName(''));
export const snatNamespaceName = (routerId: string): string => `snat-${routerId}`;
export const fipNamespaceName = (network: string): string => `fip-${network}`;
