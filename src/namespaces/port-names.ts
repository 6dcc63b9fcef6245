/** What the devices of our namespaces are called as ports of the dataplane. */
export const routerPortName = (router: string, network: string): string => `qr/${router}/${network}`;
export const snatPortName = (router: string, network: string): string => `sg/${router}/${network}`;
export const gatewayPortName = (router: string): string => `qg/${router}`;
export const fipPortName = (network: string): string => `fg/${network}`;
