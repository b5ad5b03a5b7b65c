import { BlockList, isIP } from "node:net";

/** Tells which addresses our outgoing sockets may reach. */
export type AddressGuard = {
  /** For an IPv4 or IPv6 address in its usual spelling, without brackets; false for anything else. */
  mayReach: (address: string) => boolean;
};

// Special-purpose registries of IANA (RFC 6890): nothing there is a customer's server on the internet.
const specialNetworks = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  // ::, ::1, and IPv4 addresses spelled as IPv6 in the deprecated "compatible" way
  "::/96",
  "::ffff:0:0:0/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
  "5f00::/16",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
];

/** `allow` holds networks in CIDR form that may be reached although they are private. */
export function createAddressGuard(allow: readonly string[]): AddressGuard {
  const blocked = blockListOf(specialNetworks);
  const allowed = blockListOf(allow);
  return {
    mayReach: (address) => {
      const family = isIP(address);
      if (family === 0) return false;
      const name = family === 4 ? "ipv4" : "ipv6";
      // An IPv4-mapped IPv6 address is matched by the list's IPv4 networks too.
      return allowed.check(address, name) || !blocked.check(address, name);
    },
  };
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", length] = network.split("/");
    const family = isIP(address);
    const prefix = length === undefined ? (family === 6 ? 128 : 32) : Number(length);
    if (family === 0 || !Number.isInteger(prefix) || length === "") {
      throw new Error(`'${network}' is not a network. Write it like 10.1.0.0/16 or fd00::/8.`);
    }
    list.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  }
  return list;
}
