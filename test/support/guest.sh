#!/usr/bin/env bash
# test/support/guest.sh FOLDER: makes what QEMU boots, FOLDER/vmlinuz and FOLDER/initrd, unless they are there.
#
#   apt-get download ──► Debian's cloud kernel ──► vmlinuz, virtio's modules ─┐
#   busybox-static ──────────────────────────────► init, httpd, ping ─────────┴─► initrd
#
# The kernel is unpacked and never installed. The guest takes its address from the kernel's command line:
# vmip=ADDRESS/BITS vmgw=GATEWAY vmmtu=BYTES, says VMREADY, serves /www on port 80 and obeys the serial line.
set -euo pipefail
folder=$1
if [ -s "$folder/initrd" ]; then exit 0; fi
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

package=$(apt-cache depends linux-image-cloud-amd64 | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
(cd "$work" && apt-get download -qq "$package" 2>/dev/null)
dpkg-deb -x "$work"/"$package"_*.deb "$work/kernel"

root=$work/root
mkdir -p "$root"/{bin,dev,proc,sys,modules,www}
cp /bin/busybox "$root/bin/busybox"
modules=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net)
for module in "${modules[@]}"; do
  cp "$(find "$work/kernel/lib/modules" -name "$module.ko")" "$root/modules/"
done
cat >"$root/init" <<INIT
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
for module in ${modules[*]}; do insmod /modules/\$module.ko; done
for word in \$(cat /proc/cmdline); do case \$word in vm*=*) export "\$word" ;; esac; done
ip link set lo up
ip link set eth0 mtu "\$vmmtu" up
ip addr add "\$vmip" dev eth0
ip route add default via "\$vmgw"
echo 'hello from the virtual machine' >/www/index.html
httpd -h /www
echo VMREADY
exec sh
INIT
chmod 755 "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc) >"$work/initrd"
cp "$work"/kernel/boot/vmlinuz-* "$folder/vmlinuz"
mv "$work/initrd" "$folder/initrd"
