// What Terraform's provider does with these resources, with the library it is made of: it asks a Keystone for a
// token, makes, reads back, waits for states, tags, changes, and removes, and takes exactly the codes that
// Neutron answers with. Every step says its name; the first that fails ends the program.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/agents"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/attributestags"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/networkipavailabilities"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/portsbinding"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/provider"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/extensions/quotas"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/openstack/networking/v2/subnets"
)

func check(step string, err error) {
	if err != nil {
		fmt.Printf("FAILED %s: %v\n", step, err)
		os.Exit(1)
	}
	fmt.Println(step)
}

func must(step string, holds bool, seen interface{}) {
	if !holds {
		check(step, fmt.Errorf("saw %+v", seen))
	}
	fmt.Println(step)
}

func isCode(err error, code int) bool {
	var unexpected gophercloud.ErrUnexpectedResponseCode
	var notFound gophercloud.ErrDefault404
	var conflict gophercloud.ErrDefault409
	return errors.As(err, &unexpected) && unexpected.Actual == code ||
		code == 404 && errors.As(err, &notFound) || code == 409 && errors.As(err, &conflict)
}

func client() *gophercloud.ServiceClient {
	auth := gophercloud.AuthOptions{
		IdentityEndpoint: os.Args[1] + "/identity/v3", Username: "anybody", Password: "anything", TenantName: "admin", DomainName: "Default",
	}
	authenticated, err := openstack.AuthenticatedClient(auth)
	check("a token from the identity service", err)
	network, err := openstack.NewNetworkV2(authenticated, gophercloud.EndpointOpts{Region: "RegionOne"})
	check("the network endpoint of the catalog", err)
	return network
}

type networkWithProvider struct {
	networks.Network
	provider.NetworkProviderExt
	external.NetworkExternalExt
}

func tenantNetwork(c *gophercloud.ServiceClient) networkWithProvider {
	yes := true
	var made networkWithProvider
	options := provider.CreateOptsExt{
		CreateOptsBuilder: networks.CreateOpts{Name: "go-net", AdminStateUp: &yes, Description: "by gophercloud"},
		Segments:          []provider.Segment{{NetworkType: "vxlan", SegmentationID: 4242}},
	}
	check("create a network of one segment", networks.Create(c, options).ExtractInto(&made))
	must("the network is ACTIVE, with its VNI", made.Status == "ACTIVE" && made.SegmentationID == "4242" && !made.External, made)
	return made
}

func externalNetwork(c *gophercloud.ServiceClient) string {
	yes := true
	pages, err := networks.List(c, external.ListOptsExt{ListOptsBuilder: networks.ListOpts{}, External: &yes}).AllPages()
	check("list external networks", err)
	all, err := networks.ExtractNetworks(pages)
	check("read them", err)
	must("one is there", len(all) == 1, all)
	return all[0].ID
}

func subnetOf(c *gophercloud.ServiceClient, network string) *subnets.Subnet {
	yes := true
	made, err := subnets.Create(c, subnets.CreateOpts{
		NetworkID: network, Name: "go-subnet", CIDR: "10.77.0.0/24", IPVersion: gophercloud.IPv4, EnableDHCP: &yes,
		AllocationPools: []subnets.AllocationPool{{Start: "10.77.0.10", End: "10.77.0.99"}}, DNSNameservers: []string{"192.0.2.53"},
	}).Extract()
	check("create a subnet", err)
	must("its gateway is its first host", made.GatewayIP == "10.77.0.1", made)
	return made
}

func tag(c *gophercloud.ServiceClient, id string) {
	tags, err := attributestags.ReplaceAll(c, "networks", id, attributestags.ReplaceAllOpts{Tags: []string{"a", "b"}}).Extract()
	check("replace tags", err)
	must("two tags are there", len(tags) == 2, tags)
	check("add a tag", attributestags.Add(c, "networks", id, "c").ExtractErr())
	there, err := attributestags.Confirm(c, "networks", id, "c").Extract()
	check("confirm it", err)
	must("it is there", there, there)
	check("delete a tag", attributestags.Delete(c, "networks", id, "a").ExtractErr())
}

func plainLists(c *gophercloud.ServiceClient, network string) {
	pages, err := agents.List(c, agents.ListOpts{AgentType: "L3 agent"}).AllPages()
	check("list L3 agents", err)
	found, err := agents.ExtractAgents(pages)
	check("read them, their times among it", err)
	must("every node has one", len(found) > 1 && found[0].HeartbeatTimestamp.Year() > 2000, found)
	free, err := networkipavailabilities.Get(c, network).Extract()
	check("how many addresses there are", err)
	must("as many as the pool has", free.TotalIPs == "90", free)
	quota, err := quotas.Get(c, "admin").Extract()
	check("quotas of a project", err)
	must("nothing is limited", quota.Network == -1, quota)
}

func main() {
	c := client()
	network := tenantNetwork(c)
	subnet := subnetOf(c, network.ID)
	tag(c, network.ID)
	plainLists(c, network.ID)
	outside := externalNetwork(c)

	yes := true
	router, err := routers.Create(c, routers.CreateOpts{Name: "go-router", AdminStateUp: &yes, Distributed: &yes, GatewayInfo: &routers.GatewayInfo{NetworkID: outside}}).Extract()
	check("create a router with a gateway", err)
	must("the router is ACTIVE, and has an address outside", router.Status == "ACTIVE" && len(router.GatewayInfo.ExternalFixedIPs) == 1, router)
	inside, err := routers.AddInterface(c, router.ID, routers.AddInterfaceOpts{SubnetID: subnet.ID}).Extract()
	check("plug the subnet in", err)
	interfacePort, err := ports.Get(c, inside.PortID).Extract()
	check("read the interface's port, as Terraform polls it", err)
	must("it is ACTIVE or DOWN", interfacePort.Status == "ACTIVE" || interfacePort.Status == "DOWN", interfacePort)

	var port struct {
		ports.Port
		portsbinding.PortsBindingExt
	}
	check("create a port", ports.Create(c, ports.CreateOpts{NetworkID: network.ID, Name: "go-port", FixedIPs: []ports.IP{{SubnetID: subnet.ID, IPAddress: "10.77.0.20"}}}).ExtractInto(&port))
	must("it has its address", port.FixedIPs[0].IPAddress == "10.77.0.20" && port.VNICType == "normal", port)
	name := "go-port-2"
	_, err = ports.Update(c, port.ID, ports.UpdateOpts{Name: &name, AllowedAddressPairs: &[]ports.AddressPair{{IPAddress: "10.77.0.200"}}}).Extract()
	check("change the port", err)
	_, err = ports.Create(c, ports.CreateOpts{NetworkID: network.ID, FixedIPs: []ports.IP{{SubnetID: subnet.ID, IPAddress: "10.77.0.20"}}}).Extract()
	must("an address that is taken is a conflict", isCode(err, 409), err)

	floating, err := floatingips.Create(c, floatingips.CreateOpts{FloatingNetworkID: outside, PortID: port.ID}).Extract()
	check("create a floating IP for the port", err)
	must("it leads there by the router", floating.RouterID == router.ID && floating.FixedIP == "10.77.0.20", floating)
	must("the router's interface is in use by it", isCode(removeInterface(c, router.ID, subnet.ID), 409), nil)
	must("so is the router", isCode(routers.Delete(c, router.ID).ExtractErr(), 409), nil)
	floating, err = floatingips.Update(c, floating.ID, floatingips.UpdateOpts{}).Extract()
	check("dissociate it, with nothing in the request", err)
	must("it leads nowhere", floating.PortID == "" && floating.RouterID == "", floating)

	routes := []routers.Route{{DestinationCIDR: "10.88.0.0/24", NextHop: "10.77.0.20"}}
	_, err = routers.Update(c, router.ID, routers.UpdateOpts{Routes: routes}).Extract()
	check("set a route", err)
	none := []routers.Route{}
	router, err = routers.Update(c, router.ID, routers.UpdateOpts{Routes: none}).Extract()
	check("clear routes", err)
	must("there are none", len(router.Routes) == 0, router)

	check("delete the floating IP", floatingips.Delete(c, floating.ID).ExtractErr())
	check("delete the port", ports.Delete(c, port.ID).ExtractErr())
	check("unplug the subnet", removeInterface(c, router.ID, subnet.ID))
	check("clear the gateway", clearGateway(c, router.ID))
	check("delete the router", routers.Delete(c, router.ID).ExtractErr())
	check("delete the subnet", subnets.Delete(c, subnet.ID).ExtractErr())
	check("delete the network", networks.Delete(c, network.ID).ExtractErr())
	_, err = networks.Get(c, network.ID).Extract()
	must("it is gone at once", isCode(err, 404), err)
	fmt.Println("done")
}

func removeInterface(c *gophercloud.ServiceClient, router, subnet string) error {
	_, err := routers.RemoveInterface(c, router, routers.RemoveInterfaceOpts{SubnetID: subnet}).Extract()
	return err
}

// As Terraform does it: an object with nothing in it.
func clearGateway(c *gophercloud.ServiceClient, router string) error {
	_, err := routers.Update(c, router, routers.UpdateOpts{GatewayInfo: &routers.GatewayInfo{}}).Extract()
	return err
}
